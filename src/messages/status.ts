/** Statuses of an outbound message. Source: Conversation API, delivery status. */
export const MESSAGE_STATUSES = [
  'QUEUED',
  'QUEUED_ON_CHANNEL',
  'DELIVERED',
  'READ',
  'FAILED',
  'SWITCHING_CHANNEL',
] as const;

export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

/** What a status may come from: it only moves forward, and FAILED is final. */
export const PREDECESSORS: Readonly<Record<MessageStatus, readonly MessageStatus[]>> = {
  QUEUED: [],
  SWITCHING_CHANNEL: ['QUEUED', 'QUEUED_ON_CHANNEL'],
  QUEUED_ON_CHANNEL: ['QUEUED', 'SWITCHING_CHANNEL'],
  DELIVERED: ['QUEUED', 'SWITCHING_CHANNEL', 'QUEUED_ON_CHANNEL'],
  READ: ['QUEUED', 'SWITCHING_CHANNEL', 'QUEUED_ON_CHANNEL', 'DELIVERED'],
  FAILED: ['QUEUED', 'SWITCHING_CHANNEL', 'QUEUED_ON_CHANNEL'],
};
