import type { Reason } from '../content/reason.js';

/**
 * What the log can hold: the kind and, with it, the rows as they were then (entity fields, dates as ISO strings).
 * Rows are kept rather than ids, because a webhook retried tomorrow must still tell what happened today.
 */
export interface EventPayloads {
  'contact.created': { contact: Snapshot };
  'contact.updated': { contact: Snapshot };
  'contact.deleted': { contact: Snapshot };
  /** `deleted` is part of `preserved` now. */
  'contact.merged': { preserved: Snapshot; deleted: Snapshot };
  'conversation.started': { conversation: Snapshot };
  'conversation.updated': ChangedConversation;
  'conversation.stopped': ChangedConversation;
  'conversation.deleted': { conversation: Snapshot };
  'message.added': { message: Snapshot; conversation: Snapshot };
  /** Status, content or metadata changed; `status` says that it was the status, with the channel's own time. */
  'message.updated': {
    message: Snapshot;
    conversation: Snapshot;
    status?: { at: string | null; reason: Reason | null };
  };
  /** A message was handed to a channel, whatever the channel makes of it. */
  'message.submitted': { message: Snapshot };
  /** Something was done beside speaking: typing, a reaction. */
  'event.added': { event: Snapshot; conversation: Snapshot };
  /** What became of an event that was to leave. */
  'event.updated': { event: Snapshot; conversation: Snapshot };
  /** The channel said something that has no generic form. */
  'channel.unsupported': { channel: string; identity: string; raw: unknown };
  /** Whether a person can be reached on a channel, as somebody asked. */
  'capability.reported': { capability: Snapshot };
  /** Meant for an account that the app does not own: kept, but nobody is told. */
  'channel.ignored': { channel: string; accountId: string | null; raw: unknown };
  'channel.updated': { channel: Snapshot };
  /** Agents' notes never leave the inbox. */
  'note.added': NoteOfConversation;
  'note.updated': NoteOfConversation;
  /** The note without its text. */
  'note.deleted': NoteOfConversation;
  /** Nothing more is sent to a target: it is gone, or has failed for days. */
  'webhook.disabled': { webhookId: string; target: string; reason: string };
}

/** `by` is the agent who did it, null for the API and for Parley itself. Both are absent in what was recorded before they were kept. */
export interface ChangedConversation {
  conversation: Snapshot;
  changes?: ConversationChange[];
  by?: string | null;
}

/** A field of a conversation and its values, as JSON. */
export interface ConversationChange {
  field: string;
  from: unknown;
  to: unknown;
}

interface NoteOfConversation {
  note: Snapshot;
  conversation: Snapshot;
}

export type EventKind = keyof EventPayloads;

/** A row as plain JSON. */
export type Snapshot = Record<string, unknown>;

export type NewEvent<K extends EventKind = EventKind> = {
  [Kind in K]: {
    projectId: string;
    appId: string;
    kind: Kind;
    conversationId?: string | null;
    contactId?: string | null;
    payload: EventPayloads[Kind];
  };
}[K];

/** A place in the log of an app: after everything at or below it. */
export interface Position {
  xact: bigint;
  seq: bigint;
}

/** Where in the log an event is. */
export interface Place {
  at: Date;
  position: Position;
}

export type RecordedEvent<K extends EventKind = EventKind> = NewEvent<K> & {
  /** ULID; `webhook-id` of its deliveries. */
  id: string;
};

export type StoredEvent<K extends EventKind = EventKind> = RecordedEvent<K> & Place;

/** An entity as it goes into the log: its dates as text, and what its columns hold as JSON as it is. */
export function snapshotOf(entity: object): Snapshot {
  const snapshot: Snapshot = {};
  for (const [name, value] of Object.entries(entity))
    if (value !== undefined) snapshot[name] = value instanceof Date ? value.toJSON() : (value as unknown);
  return snapshot;
}
