import type { InboundContactEvent } from '../../channels/channel.js';
import { detailsOf } from './details.js';
import { derivedId, type Item, type Reader } from './item.js';

/**
 * Events of a person that have a form only at Meta, by the key that holds them.
 * Source: messenger-platform/webhooks/webhook-events, and the older references of what Meta has removed.
 */
export const PLAIN_EVENTS: readonly string[] = [
  'optin',
  'optout',
  'account_linking',
  'pass_thread_control',
  'take_thread_control',
  'request_thread_control',
  'app_roles',
  'policy_enforcement',
  'policy-enforcement',
  'response_feedback',
  'messaging_feedback',
  'messaging_customer_information',
  'template',
  'form',
  'lead',
  'message_request',
  'game_play',
  'payment',
  'checkout_update',
  'pre_checkout',
];

export function plainReader(key: string): Reader {
  // Old data write policy-enforcement.
  const type = key.replace('-', '_');
  return (item) => genericEvent(item, type, { [type]: item.raw[key] });
}

/**
 * A `generic_event` whose payload is `{ type, [type]: … }`: Meta's object as it came, below its name, for many hold a
 * `type` of their own.
 */
export function genericEvent(
  item: Item,
  type: string,
  fields: Record<string, unknown>,
  key = derivedId(type, item, fields),
): InboundContactEvent[] {
  if (item.person === null) return [];
  return [
    {
      kind: 'event',
      identity: item.person,
      at: item.at,
      key,
      content: { contact_event: { generic_event: { payload: { type, ...fields } } } },
      ...detailsOf(item.beside),
    },
  ];
}
