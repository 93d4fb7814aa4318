import type { TranscodeNote } from '../../channels/channel.js';
import type { ProductItem } from '../../content/app-message.js';
import { LIMITS } from './limits.js';
import { refused } from './refused.js';
import { leftOut, template, type Said } from './rendering.js';

export interface ReadProduct extends ProductItem {
  /** Of the product in the generic message. */
  field: string;
}

/** @throws DomainError INVALID_ARGUMENT when the product has no id. */
export function readProduct(product: ProductItem, field: string): ReadProduct {
  if (product.id.trim() === '') throw refused(`message.${field}.id`, 'required', 'a product needs an id');
  return { ...product, field };
}

/** Product templates show what stands in the Facebook catalog of the page. */
export function inCatalog({ marketplace }: ProductItem): boolean {
  return marketplace.trim().toUpperCase() === 'FACEBOOK';
}

/** Templates of up to 10 products each. */
export function productTemplates(products: ReadProduct[]): Said[] {
  const templates: Said[] = [];
  for (let first = 0; first < products.length; first += LIMITS.products) {
    const elements = products.slice(first, first + LIMITS.products).map(({ id }) => ({ id }));
    templates.push(template({ template_type: 'product', elements }));
  }
  return templates;
}

/** A product of another marketplace, as a line of text. */
export function productLine(product: ReadProduct): string {
  const { id, marketplace } = product;
  const details = [marketplace.trim(), priceOf(product)].filter((detail) => detail !== '');
  return `• ${id}${details.length === 0 ? '' : ` (${details.join(', ')})`}`;
}

export function productNote(product: ReadProduct): TranscodeNote[] {
  const { field } = product;
  if (!inCatalog(product)) {
    const rule = "a product template shows products of the page's Facebook catalog";
    return [{ field, rule, action: 'sent as text' }];
  }
  const price = priceOf(product);
  return price === '' ? [] : [leftOut(field, 'the catalog tells the price of a product', price)];
}

function priceOf({ quantity, item_price, currency }: ProductItem): string {
  const price = [item_price, currency].filter((part) => part !== undefined && part !== '').join(' ');
  return [quantity, price].filter((part) => part !== undefined && part !== '').join(' × ');
}
