import type { InboundEvent } from '../../src/channels/channel.js';
import { parseCallback } from '../../src/messenger/ingest/envelope.js';
import { parseJson } from '../../src/messenger/json.js';
import { jsonText, mutated, type Random } from './mutate.js';

type Json = Record<string, unknown>;

/** Postgres's indexes take about 2,700 bytes, of which other columns need some. */
const MOST_IN_AN_INDEX = 2_400;
/** Whatever an item holds, storing what it says has a bound. */
const MOST_OF_AN_ITEM = 60;
/** JSON's escapes for what no text in Postgres can hold. */
const UNSTORABLE = /(?<!\\)(\\\\)*\\u(0000|d[89a-f][0-9a-f]{2})/;

/**
 * Damages a webhook, puts it between good ones, and reads it all: what is wrong with what comes out, or null.
 * @param webhook a callback of one entry, as JSON text.
 */
export function faultIn(random: Random, webhook: string): string | null {
  const entry = mutated(random, (JSON.parse(webhook) as { entry: unknown[] }).entry[0]);
  const text = jsonText({ object: 'page', entry: [good('before'), within(entry), good('after')] });
  try {
    const events = parseCallback(parseJson(text)).flatMap((one) => one.events);
    const fault = faultOf(events, entry);
    return fault === null ? null : `${fault} in ${text.slice(0, 2_000)}`;
  } catch (error) {
    return `${String(error)} in ${text.slice(0, 2_000)}`;
  }
}

const GOOD_IDS = ['before', 'first', 'last', 'after'];

function good(mid: string): Json {
  return { id: '1', messaging: [item(mid)] };
}

function item(mid: string): Json {
  return {
    sender: { id: '7' },
    recipient: { id: '1' },
    timestamp: 1763712000123,
    message: { mid, text: mid },
  };
}

/** An entry with good items around its own, where it still has a list of them. */
function within(entry: unknown): unknown {
  return hasItems(entry) ? { ...entry, messaging: [item('first'), ...entry.messaging, item('last')] } : entry;
}

function hasItems(entry: unknown): entry is { messaging: unknown[] } {
  return typeof entry === 'object' && entry !== null && Array.isArray((entry as Json).messaging);
}

function itemsOf(entry: unknown): number {
  const lists = typeof entry === 'object' && entry !== null ? Object.values(entry) : [];
  return lists.reduce<number>((sum, list) => sum + (Array.isArray(list) ? list.length : 0), 0);
}

function faultOf(events: InboundEvent[], entry: unknown): string | null {
  const read = new Set(events.map((event) => ('channelMessageId' in event ? event.channelMessageId : '')));
  const expected = hasItems(entry) ? GOOD_IDS : ['before', 'after'];
  const lost = expected.filter((mid) => !read.has(mid));
  if (lost.length > 0) return `${lost.join(', ')} lost`;
  if (hasItems(entry)) {
    const items = entry.messaging.filter((one) => one !== null && one !== undefined);
    if (events.length < items.length + GOOD_IDS.length) return 'an item gave nothing';
  }
  if (events.length > MOST_OF_AN_ITEM * (itemsOf(entry) + GOOD_IDS.length))
    return `${events.length} events of ${itemsOf(entry)} items`;
  for (const event of events) {
    const fault = faultOfEvent(event);
    if (fault !== null) return `${fault}: ${JSON.stringify(event).slice(0, 500)}`;
  }
  return null;
}

function faultOfEvent(event: InboundEvent): string | null {
  if (Buffer.byteLength(event.identity) > MOST_IN_AN_INDEX) return 'an identity that no index takes';
  if (event.kind !== 'unsupported' && event.identity === '') return 'nobody';
  if (event.at !== null && Number.isNaN(event.at.getTime())) return 'a time that is none';
  for (const id of idsOf(event)) {
    if (id === '' || Buffer.byteLength(id) > MOST_IN_AN_INDEX) return 'an id that no index takes';
  }
  if ('content' in event && Object.keys(event.content).length !== 1) return 'not exactly one content';
  if (event.kind === 'reaction' && event.reaction?.emoji === '') return 'a reaction without sign';
  if ('details' in event && event.details && Object.keys(event.details).length === 0) return 'empty details';
  return UNSTORABLE.test(JSON.stringify(event)) ? 'text that cannot be stored' : null;
}

function idsOf(event: InboundEvent): string[] {
  return [
    ...('key' in event ? [event.key] : []),
    ...('channelMessageId' in event ? [event.channelMessageId] : []),
    ...('channelMessageIds' in event ? event.channelMessageIds : []),
    ...('replyTo' in event && event.replyTo !== undefined ? [event.replyTo] : []),
  ];
}
