import type { ChannelPayload } from '../channels/channel.js';
import type { AppEvent } from '../content/app-event.js';

/** An event as a Send API body; null where Messenger has none. Source: messenger-platform/send-messages/sender-actions. */
export function senderActionOf(event: AppEvent): ChannelPayload | null {
  if (event.composing_event) return { sender_action: 'typing_on' };
  if (event.composing_end_event) return { sender_action: 'typing_off' };
  if (event.read_message_event) return { sender_action: 'mark_seen' };
  return null;
}
