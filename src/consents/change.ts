import type { RecordedEvent } from '../events/event.js';

/** Source: Conversation API, consents. */
export const LIST_TYPES = ['OPT_OUT_ALL', 'OPT_OUT_MARKETING', 'OPT_OUT_NOTIFICATION'] as const;
export type ListType = (typeof LIST_TYPES)[number];

/** Somebody goes on a list, or leaves it. */
export interface ConsentChange {
  projectId: string;
  appId: string;
  channel: string;
  identity: string;
  listType: ListType;
  operation: 'OPERATION_INSERT' | 'OPERATION_DELETE';
}

/**
 * What an event says of a person's wish to be written to: on Messenger they stop and resume marketing messages. Null when it says nothing.
 * Source: messenger-platform/reference/webhook-events/messaging_optins, `notification_messages_status`.
 */
export function consentChangeOf(event: RecordedEvent): ConsentChange | null {
  if (event.kind !== 'event.added' || 'erased' in event.payload) return null;
  const { direction, channel, identity, content } = event.payload.event as {
    direction?: string;
    channel?: string;
    identity?: string;
    content?: { contact_event?: { generic_event?: { payload?: { optin?: Record<string, unknown> } } } };
  };
  const optin = content?.contact_event?.generic_event?.payload?.optin;
  if (direction !== 'TO_APP' || !channel || !identity || typeof optin !== 'object') return null;
  // Meta writes it with a space or an underscore.
  const said = /^(STOP|RESUME)[ _]NOTIFICATIONS$/.exec(String(optin.notification_messages_status))?.[1];
  if (!said) return null;
  const { projectId, appId } = event;
  const operation = said === 'STOP' ? 'OPERATION_INSERT' : 'OPERATION_DELETE';
  return { projectId, appId, channel, identity, listType: 'OPT_OUT_MARKETING', operation };
}
