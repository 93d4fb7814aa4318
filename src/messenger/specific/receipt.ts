import { amount, anyText, fields, flag, integer, list, matching, text, webUrl } from './checks.js';

/** Source: messenger-platform/send-messages/template/receipt. */

const currency = matching(/^[A-Z]{3}$/, 'a currency code of three letters, such as EUR');

const item = fields(
  { title: text(), price: amount },
  { subtitle: anyText, quantity: integer(0, Number.MAX_SAFE_INTEGER), currency, image_url: webUrl },
);

const address = fields(
  {
    street_1: text(),
    city: text(),
    postal_code: text(),
    state: text(),
    country: matching(/^[A-Z]{2}$/, 'a country code of two letters, such as SE'),
  },
  { street_2: anyText },
);

export const receipt = {
  required: {
    recipient_name: text(),
    order_number: text(),
    currency,
    payment_method: text(),
    summary: fields({ total_cost: amount }, { subtotal: amount, shipping_cost: amount, total_tax: amount }),
  },
  optional: {
    sharable: flag,
    merchant_name: text(),
    timestamp: matching(/^\d+$/, 'seconds since 1970 as a string of digits'),
    order_url: webUrl,
    elements: list(0, 100, item),
    address,
    adjustments: list(0, 100, fields({}, { name: anyText, amount })),
  },
};
