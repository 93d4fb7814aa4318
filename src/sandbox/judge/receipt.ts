import { amount, anyText, boolean, integer, list, matching, oneOf, shape, text, url } from './rules.js';

/** Receipt template. Source: messenger-platform/send-messages/template/receipt. */

const currency = matching(/^[A-Z]{3}$/, 'a three-letter currency code');
const optionalText = text(Number.MAX_SAFE_INTEGER, 0);

const item = shape(
  { title: anyText, price: amount },
  { subtitle: optionalText, quantity: integer(0, Number.MAX_SAFE_INTEGER), currency, image_url: url() },
);

const address = shape(
  {
    street_1: anyText,
    city: anyText,
    postal_code: anyText,
    state: anyText,
    country: matching(/^[A-Z]{2}$/, 'a two-letter country code'),
  },
  { street_2: optionalText },
);

export const receipt = shape(
  {
    template_type: oneOf('receipt'),
    recipient_name: anyText,
    order_number: anyText,
    currency,
    payment_method: anyText,
    summary: shape({ total_cost: amount }, { subtotal: amount, shipping_cost: amount, total_tax: amount }),
  },
  {
    sharable: boolean,
    merchant_name: anyText,
    timestamp: matching(/^\d+$/, 'a string of seconds'),
    order_url: url(),
    elements: list(0, 100, item),
    address,
    adjustments: list(0, Number.MAX_SAFE_INTEGER, shape({}, { name: optionalText, amount })),
  },
);
