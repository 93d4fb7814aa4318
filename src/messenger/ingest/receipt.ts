import type { InboundReceipt } from '../../channels/channel.js';
import { fieldsOf, idOf, listOf, timeOf } from './fields.js';
import type { Item, Reader } from './item.js';

/**
 * `delivery`: everything up to `watermark` arrived, and sometimes which messages (`mids`; old data has one `mid`).
 * Source: messenger-platform/reference/webhook-events/message-deliveries.
 */
export const readDelivery: Reader = (item) => receipt(item, 'delivery', 'DELIVERED');

/**
 * `read`: everything up to `watermark` was seen; Instagram names the one message (`mid`) instead.
 * Source: messenger-platform/reference/webhook-events/message-reads.
 */
export const readRead: Reader = (item) => receipt(item, 'read', 'READ');

function receipt(item: Item, key: string, status: InboundReceipt['status']): InboundReceipt[] {
  const fields = fieldsOf(item.raw[key]);
  const watermark = timeOf(fields?.watermark);
  const channelMessageIds = [...listOf(fields?.mids), ...listOf(fields?.mid)]
    .map(idOf)
    .filter((mid) => mid !== null);
  if (item.person === null || (watermark === null && channelMessageIds.length === 0)) return [];
  return [{ kind: 'receipt', identity: item.person, at: item.at, status, watermark, channelMessageIds }];
}
