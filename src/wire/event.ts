import { identityWire, modeOf, NEVER, placeWire, type Row, wireTime } from './row.js';

/** Source: Conversation API, ConversationEvent. What an app did is `app_event`; what a person did says itself what it is. */
export function eventWire(event: Row, processingMode: string): Record<string, unknown> {
  const content = event.content as Row;
  return {
    id: event.id,
    direction: event.direction,
    ...(event.direction === 'TO_CONTACT' ? { app_event: content } : content),
    channel_identity: identityWire(event),
    ...placeWire(event, processingMode),
    accept_time: wireTime(event.acceptTime ?? NEVER),
    processing_mode: modeOf(event, processingMode),
  };
}
