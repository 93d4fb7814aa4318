import { createHash } from 'node:crypto';
import type { InboundEvent, InboundUnsupported } from '../../channels/channel.js';
import { fieldsOf, idOf, isTrue, timeOf, type Fields } from './fields.js';

/** One messaging event as Meta sends it, with what every kind needs already read. */
export interface Item {
  raw: Fields;
  /** Page-scoped id of the person: the sender, of an echo the recipient. Null where the event names nobody. */
  person: string | null;
  /** The event's own time. */
  timestamp: Date | null;
  /** The event's own time, else that of its entry. */
  at: Date | null;
}

/** Makes events of one kind of item; none when it cannot tell what the item says. */
export type Reader = (item: Item) => InboundEvent[];

export function itemOf(raw: Fields, sentAt: Date | null): Item {
  const side = isTrue(fieldsOf(raw.message)?.is_echo) ? raw.recipient : raw.sender;
  const timestamp = timeOf(raw.timestamp);
  return { raw, person: idOf(fieldsOf(side)?.id), timestamp, at: timestamp ?? sentAt };
}

/** Keeps what no reader understands. */
export function unsupported(raw: unknown, identity: string, at: Date | null): InboundUnsupported {
  return { kind: 'unsupported', identity, at, raw, key: digest(JSON.stringify(raw)) };
}

/** A stable id for an event that carries none, so that a redelivery is recognised. */
export function derivedId(kind: string, item: Item, content: string): string {
  return `${kind}:${item.person ?? ''}:${item.timestamp?.getTime() ?? ''}:${digest(content)}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
