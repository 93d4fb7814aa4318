import type {
  ConversationChannel,
  InboundContactEvent,
  InboundEcho,
  InboundEdit,
  InboundEvent,
  InboundMessage,
  InboundReaction,
  InboundReceipt,
  InboundUnsend,
  InboundUnsupported,
} from '../../channels/channel.js';
import { type Person, personKey, type Resolution, type Resolved } from '../../conversations/people.js';

/** Where events came in: an app's channel. */
export interface InboundSource {
  projectId: string;
  appId: string;
  channel: ConversationChannel;
}

/** An event for an account that the app does not own: recorded, and nothing else. */
export interface IgnoredEvent {
  accountId: string | null;
  raw: unknown;
}

/** One request of a channel. */
export interface InboundRequest {
  source: InboundSource;
  events: InboundEvent[];
  ignored: IgnoredEvent[];
}

export type Sourced<T> = T & InboundSource;

/** The events of a batch of requests, by kind, each with its source. */
export interface InboundBatch {
  messages: Sourced<InboundMessage>[];
  echoes: Sourced<InboundEcho>[];
  receipts: Sourced<InboundReceipt>[];
  /** What befell messages after they were sent. */
  changes: Sourced<InboundReaction | InboundEdit | InboundUnsend>[];
  contactEvents: Sourced<InboundContactEvent>[];
  unsupported: Sourced<InboundUnsupported>[];
  ignored: Sourced<IgnoredEvent>[];
}

export function sortByKind(requests: readonly InboundRequest[]): InboundBatch {
  const batch: InboundBatch = {
    messages: [],
    echoes: [],
    receipts: [],
    changes: [],
    contactEvents: [],
    unsupported: [],
    ignored: [],
  };
  for (const { source, events, ignored } of requests) {
    for (const event of events) {
      const sourced = { ...event, ...source };
      if (sourced.kind === 'message') batch.messages.push(sourced);
      else if (sourced.kind === 'echo') batch.echoes.push(sourced);
      else if (sourced.kind === 'receipt') batch.receipts.push(sourced);
      else if (sourced.kind === 'event') batch.contactEvents.push(sourced);
      else if (sourced.kind === 'unsupported') batch.unsupported.push(sourced);
      else batch.changes.push(sourced);
    }
    for (const event of ignored) batch.ignored.push({ ...event, ...source });
  }
  return batch;
}

export function resolvedOf(resolution: Resolution, person: Person): Resolved | undefined {
  return resolution.get(personKey(person));
}
