import { createHash } from 'node:crypto';
import type { InboundEvent, InboundUnsupported } from '../../channels/channel.js';
import { named, without } from './details.js';
import { fieldsOf, idOf, isTrue, timeOf, type Fields } from './fields.js';

/** What an item's entry says about all of its items. */
export interface EntryContext {
  /** The page; null when the entry does not name it. */
  page: string | null;
  sentAt: Date | null;
  hopContext: unknown;
  /** Another app owns the thread. */
  standby: boolean;
}

/** One messaging event as Meta sends it, with what every kind needs already read. */
export interface Item {
  raw: Fields;
  /** Page-scoped id of the person, whoever of the two acted. Null where the event names nobody. */
  person: string | null;
  /** Whether the page acted, not the person. */
  byPage: boolean;
  /** The event's own time, else that of its entry. */
  at: Date | null;
  /** What stands beside the event: `standby`, `hop_context`, `prior_message`, `user_ref` and what Meta may add. */
  beside: Fields;
}

/** Makes events of one kind of item; none when it cannot tell what the item says. */
export type Reader = (item: Item) => InboundEvent[];

/** @param key the field that holds the event. */
export function itemOf(raw: Fields, key: string, context: EntryContext): Item {
  const [sender, recipient] = [fieldsOf(raw.sender), fieldsOf(raw.recipient)];
  const [from, to] = [idOf(sender?.id), idOf(recipient?.id)];
  const echo = isTrue(fieldsOf(raw.message)?.is_echo);
  const byPage = echo || (from !== null && from === context.page && to !== null && to !== from);
  // Stored samples may have the sides of an echo swapped; the page is never the person.
  const swapped = byPage && to === context.page && from !== null;
  return {
    raw,
    person: byPage && !swapped ? to : from,
    byPage,
    at: timeOf(raw.timestamp) ?? context.sentAt,
    beside: {
      ...named('hop_context', context.hopContext),
      ...without(raw, 'sender', 'recipient', 'timestamp', key),
      ...named('user_ref', (byPage && !swapped ? recipient : sender)?.user_ref),
      ...(context.standby ? { standby: true } : {}),
    },
  };
}

/** Keeps what no reader understands. */
export function unsupported(raw: unknown, identity: string, at: Date | null): InboundUnsupported {
  return { kind: 'unsupported', identity, at, raw, key: digest(JSON.stringify(raw)) };
}

/** A stable id for an event that carries none, so that a redelivery is recognised. */
export function derivedId(
  kind: string,
  { person, at }: Pick<Item, 'person' | 'at'>,
  content: unknown,
): string {
  return `${kind}:${person ?? ''}:${at?.getTime() ?? ''}:${digest(JSON.stringify(content))}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
