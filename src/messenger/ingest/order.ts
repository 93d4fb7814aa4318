import type { ProductItem } from '../../content/app-message.js';
import type { ContactMessage } from '../../content/contact-message.js';
import { detailsOf } from './details.js';
import { genericEvent } from './event.js';
import { fieldsOf, idOf, listOf, textOf, type Fields } from './fields.js';
import { derivedId, type Reader } from './item.js';

/**
 * `order`: a person sent their cart. `details.order` has the names and the shop's own ids.
 * Source: messenger-platform/reference/webhook-events/send_cart.
 */
export const readOrder: Reader = (item) => {
  const order = fieldsOf(item.raw.order);
  if (!order || item.person === null) return [];
  const content = productResponse(listOf(order.products), textOf(order.note));
  if (!content) return genericEvent(item, 'order', { order });
  return [
    {
      kind: 'message',
      identity: item.person,
      at: item.at,
      channelMessageId: derivedId('order', item, order),
      content,
      ...detailsOf(item.beside, { order }),
    },
  ];
};

/** Null when none of the products has an id. */
export function productResponse(products: unknown[], title: string): ContactMessage | null {
  const items = products.flatMap((product) => productItem(fieldsOf(product) ?? {}) ?? []);
  if (items.length === 0) return null;
  return { product_response_message: { products: items, ...(title === '' ? {} : { title }) } };
}

function productItem(product: Fields): ProductItem | null {
  const id = idOf(product.id) ?? idOf(product.retailer_id);
  if (id === null) return null;
  const quantity = amount(product.quantity);
  const price = amount(product.unit_price);
  const currency = textOf(product.currency);
  return {
    id,
    marketplace: 'FACEBOOK',
    ...(quantity === null || !Number.isInteger(quantity) ? {} : { quantity }),
    ...(price === null ? {} : { item_price: price }),
    ...(currency === '' ? {} : { currency }),
  };
}

/** Far beyond any cart, and within what every face can show. */
const MOST = 2 ** 31 - 1;

function amount(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && number <= MOST ? number : null;
}
