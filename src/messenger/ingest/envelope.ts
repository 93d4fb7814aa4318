import type { InboundEvent } from '../../channels/channel.js';
import { readEdit, readReaction } from './change.js';
import { PLAIN_EVENTS, plainReader } from './event.js';
import { readFeed } from './feed.js';
import { fieldsOf, idOf, listOf, timeOf, type Fields } from './fields.js';
import { type EntryContext, itemOf, unsupported, type Reader } from './item.js';
import { readMessage } from './message.js';
import { readOrder } from './order.js';
import { readPostback } from './postback.js';
import { readDelivery, readRead } from './receipt.js';
import { readReferral } from './referral.js';

/** What one `entry` of a callback says; `raw` is the entry itself. */
export interface CallbackEntry {
  /** The page; null when the entry does not name it. */
  accountId: string | null;
  events: InboundEvent[];
  raw: unknown;
}

/**
 * Which reader takes an item: the first whose key it holds. A new kind of event is a new row.
 * Keys: messenger-platform/webhooks/webhook-events.
 */
export const READERS: readonly (readonly [key: string, read: Reader])[] = [
  ['message', readMessage],
  ['postback', readPostback],
  ['delivery', readDelivery],
  ['read', readRead],
  ['reaction', readReaction],
  ['message_edit', readEdit],
  ['referral', readReferral],
  ['order', readOrder],
  ...PLAIN_EVENTS.map((key) => [key, plainReader(key)] as const),
];

/** The only event that is no object. */
const REQUEST = 'message_request';

/** Whether a body is a callback that this channel answers for. */
export function isCallback(body: unknown): body is Fields {
  const object = fieldsOf(body)?.object;
  return object === 'page' || object === 'instagram';
}

const EVENT_LISTS = ['messaging', 'standby', 'changes'] as const;

/** How many entries and events a callback claims to hold. Meta sends up to 1,000 in one. */
export function countEvents(body: unknown): number {
  return listOf(fieldsOf(body)?.entry).reduce<number>((sum, entry) => {
    const fields = fieldsOf(entry);
    return sum + 1 + EVENT_LISTS.reduce((count, list) => count + listOf(fields?.[list]).length, 0);
  }, 0);
}

/**
 * Reads a callback that `parseJson` gave: one element per entry that has events, in order. Takes any JSON and never
 * throws; what it does not understand comes out as `unsupported` and costs its neighbours nothing.
 */
export function parseCallback(body: unknown): CallbackEntry[] {
  return listOf(fieldsOf(body)?.entry).flatMap((raw) => {
    const entry = fieldsOf(raw);
    const events = entry ? readEntry(entry) : [unsupported(raw, '', null)];
    return events.length === 0 ? [] : [{ accountId: idOf(entry?.id), events, raw }];
  });
}

function readEntry(entry: Fields): InboundEvent[] {
  const sentAt = timeOf(entry.time);
  const context = { page: idOf(entry.id), sentAt, hopContext: entry.hop_context, standby: false };
  const inStandby = { ...context, standby: true };
  const events = [
    ...listOf(entry.messaging).flatMap((item) => readItem(item, item, context)),
    // The same shapes, for an app that does not own the thread.
    ...listOf(entry.standby).flatMap((item) => readItem(item, item, inStandby)),
    ...listOf(entry.changes).flatMap((change) => readChange(change, context)),
  ];
  if (events.length > 0) return events;
  const {
    id: _id,
    time: _time,
    messaging: _messaging,
    standby: _standby,
    changes: _changes,
    ...rest
  } = entry;
  return Object.keys(rest).length === 0 ? [] : [unsupported(entry, '', sentAt)];
}

/** A change of page content, or a messaging item: the dashboard's test button posts them like that. */
function readChange(change: unknown, context: EntryContext): InboundEvent[] {
  const { field, value } = fieldsOf(change) ?? {};
  const fields = fieldsOf(value);
  if (fieldsOf(fields?.sender) ?? fieldsOf(fields?.recipient))
    return readItem(value, change, { ...context, standby: field === 'standby' });
  if (change === null || change === undefined) return [];
  return orUnsupported(() => readFeed(field, value, context), change, '', context.sentAt);
}

/** @param raw what is kept when the item is not understood. */
function readItem(value: unknown, raw: unknown, context: EntryContext): InboundEvent[] {
  const fields = fieldsOf(value);
  if (!fields) return raw === null ? [] : [unsupported(raw, '', context.sentAt)];
  const [key, read] =
    READERS.find(([one]) => fieldsOf(fields[one]) ?? (one === REQUEST && fields[one])) ?? [];
  const item = itemOf(fields, key ?? '', context);
  return orUnsupported(() => read?.(item) ?? [], raw, item.person ?? '', item.at);
}

/** A shape that its reader did not expect is kept like an unknown one, and must not cost its neighbours. */
function orUnsupported(
  read: () => InboundEvent[],
  raw: unknown,
  identity: string,
  at: Date | null,
): InboundEvent[] {
  let events: InboundEvent[] = [];
  try {
    events = read();
  } catch {
    // Kept below.
  }
  return events.length > 0 ? events : [unsupported(raw, identity, at)];
}
