import type { InboundEvent } from '../../channels/channel.js';
import { fieldsOf, idOf, listOf, timeOf, type Fields } from './fields.js';
import { itemOf, unsupported, type Reader } from './item.js';
import { readMessage } from './message.js';
import { readPostback } from './postback.js';
import { readDelivery, readRead } from './receipt.js';

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
const READERS: readonly (readonly [key: string, read: Reader])[] = [
  ['message', readMessage],
  ['postback', readPostback],
  ['delivery', readDelivery],
  ['read', readRead],
];

/** Subscription fields whose `changes` form holds a messaging item: the dashboard's test button posts them like that. */
const MESSAGING_FIELD = /^(messages?|messaging|standby)(_|$)/;

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
  const events = [
    // The same shapes, for an app that does not own the thread.
    ...[...listOf(entry.messaging), ...listOf(entry.standby)].flatMap((item) => readItem(item, item, sentAt)),
    ...listOf(entry.changes).flatMap((change) => readChange(change, sentAt)),
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

function readChange(change: unknown, sentAt: Date | null): InboundEvent[] {
  const fields = fieldsOf(change);
  const messaging = typeof fields?.field === 'string' && MESSAGING_FIELD.test(fields.field);
  return messaging ? readItem(fields.value, change, sentAt) : readItem(null, change, sentAt);
}

/** @param raw what is kept when the item is not understood. */
function readItem(value: unknown, raw: unknown, sentAt: Date | null): InboundEvent[] {
  const fields = fieldsOf(value);
  if (!fields) return raw === null ? [] : [unsupported(raw, '', sentAt)];
  const item = itemOf(fields, sentAt);
  const read = READERS.find(([key]) => fieldsOf(fields[key]))?.[1];
  let events: InboundEvent[] = [];
  try {
    events = read?.(item) ?? [];
  } catch {
    // A shape that its reader did not expect is kept like an unknown one and must not cost its neighbours.
  }
  return events.length > 0 ? events : [unsupported(raw, item.person ?? '', item.at)];
}
