import type { InboundContactEvent, InboundEvent } from '../../channels/channel.js';
import { detailsOf, without } from './details.js';
import { genericEvent } from './event.js';
import { fieldsOf, payloadOf, textOf, type Fields } from './fields.js';
import { derivedId, type Item, type Reader } from './item.js';

/** What led a person here, beside what they did on arrival. */
interface Arrival {
  /** The message or postback that holds the referral; absent when it came alone. */
  mid?: string;
  payload?: string;
  title?: string;
}

/**
 * `referral`: a person who has written before came by a link, an ad, a code or a shop; with the answers of a lead ad in `lead`.
 * Source: messenger-platform/reference/webhook-events/messaging_referrals.
 */
export const readReferral: Reader = (item) => {
  const { lead } = item.raw;
  const beside = without(item.beside, 'lead');
  return readArrival({ ...item, beside }, item.raw.referral, lead === undefined ? {} : { lead }, null);
};

/** The referral within a message or a postback: that of a person who is new. */
export function referralWithin(item: Item, referral: unknown, arrival: Arrival): InboundEvent[] {
  return readArrival({ ...item, beside: pick(item.beside, 'standby') }, referral, {}, arrival);
}

function readArrival(item: Item, value: unknown, more: Fields, arrival: Arrival | null): InboundEvent[] {
  const referral = fieldsOf(value);
  if (!referral || Object.keys(referral).length === 0) return [];
  const key = arrival?.mid ? `referral:${arrival.mid}` : derivedId('referral', item, referral);
  return isShortlink(referral) && Object.keys(more).length === 0
    ? shortlink(item, referral, key, arrival)
    : genericEvent(item, 'referral', { referral, ...more }, key);
}

/** An m.me or ig.me link. One without source is of a link when nothing else tells where it is from. */
function isShortlink(referral: Fields): boolean {
  const source = textOf(referral.source)
    .replace(/[^a-z]/gi, '')
    .toUpperCase();
  if (referral.ad_id !== undefined || referral.product !== undefined) return false;
  return source === 'SHORTLINK' || source === 'SHORTURL' || (source === '' && textOf(referral.ref) !== '');
}

function shortlink(
  item: Item,
  referral: Fields,
  key: string,
  arrival: Arrival | null,
): InboundContactEvent[] {
  if (item.person === null) return [];
  return [
    {
      kind: 'event',
      identity: item.person,
      at: item.at,
      key,
      content: {
        contact_message_event: {
          shortlink_activated_event: {
            payload: arrival?.payload ?? '',
            ...(arrival?.title ? { title: arrival.title } : {}),
            ref: payloadOf(referral.ref) ?? '',
            source: textOf(referral.source) || 'SHORTLINK',
            type: textOf(referral.type) || 'OPEN_THREAD',
            existing_thread: arrival === null,
          },
        },
      },
      ...detailsOf(item.beside, without(referral, 'ref', 'source', 'type')),
    },
  ];
}

function pick(fields: Fields, name: string): Fields {
  return Object.hasOwn(fields, name) ? { [name]: fields[name] } : {};
}
