import type { ChannelPayload } from '../channels/channel.js';
import type { AppEvent } from '../content/app-event.js';

/**
 * An event as a Send API body; null where Messenger has none. Source: messenger-platform/send-messages/sender-actions.
 * @param mid Messenger's id of the message that a reaction is about.
 */
export function senderActionOf(event: AppEvent, mid?: string): ChannelPayload | null {
  if (event.composing_event) return { sender_action: 'typing_on' };
  if (event.composing_end_event) return { sender_action: 'typing_off' };
  if (event.read_message_event) return { sender_action: 'mark_seen' };
  if (event.reaction_event && mid !== undefined) {
    const { action, emoji } = event.reaction_event;
    return action === 'REACTION_ACTION_REACT'
      ? { sender_action: 'react', payload: { message_id: mid, reaction: emoji } }
      : { sender_action: 'unreact', payload: { message_id: mid } };
  }
  return null;
}
