import { LIMITS } from '../transcode/limits.js';
import { buttons, defaultAction, gridButtons } from './buttons.js';
import {
  anyText,
  broken,
  byKey,
  eitherOf,
  type Check,
  fields,
  flag,
  id,
  isObject,
  list,
  matching,
  oneOf,
  someOf,
  text,
  webUrl,
} from './checks.js';
import { quickReplies } from './quick-replies.js';
import { receipt } from './receipt.js';
import { customerFeedback, customerInformation } from './surveys.js';

/** Template payloads less their `template_type`. Source: messenger-platform/send-messages/template/*. */

const card = fields(
  { title: text(80) },
  { subtitle: text(80), image_url: webUrl, default_action: defaultAction, buttons },
  someOf('subtitle', 'image_url', 'default_action', 'buttons'),
);

const mediaElement = fields(
  { media_type: oneOf('image', 'video') },
  { attachment_id: id, url: webUrl, buttons },
  eitherOf('attachment_id', 'url'),
);

const gridImage = fields(
  { url: webUrl },
  {
    is_hero_image: flag,
    action: byKey('type', {
      web_url: fields({ type: oneOf('web_url'), url: webUrl }),
      postback: fields({ type: oneOf('postback'), payload: text(LIMITS.payload), text: text() }),
    }),
  },
);

const gridImages: Check = (value, at) => {
  list(2, 6, gridImage)(value, at);
  const heroes = (value as unknown[]).filter((image) => isObject(image) && image.is_hero_image === true);
  if (heroes.length > 1) throw broken(at, 'hero', 'may have one hero image');
};

/** By message type: the template, and the check of its payload, which may have quick replies beside it. */
export const TEMPLATES: Readonly<Record<string, { type: string; check: Check }>> = {
  BUTTON_TEMPLATE: template('button', { text: text(LIMITS.buttonTemplateText), buttons }, { sharable: flag }),
  GENERIC_TEMPLATE: template(
    'generic',
    { elements: list(1, 10, card) },
    { image_aspect_ratio: oneOf('horizontal', 'square'), sharable: flag },
  ),
  MEDIA_TEMPLATE: template('media', { elements: list(1, 1, mediaElement) }, { sharable: flag }),
  RECEIPT_TEMPLATE: template('receipt', receipt.required, receipt.optional),
  COUPON_TEMPLATE: template(
    'coupon',
    { title: text(80) },
    {
      subtitle: text(80),
      coupon_code: matching(/^\S+$/, 'a code without spaces'),
      coupon_url: webUrl,
      coupon_url_button_title: text(),
      coupon_pre_message: text(),
      image_url: webUrl,
      payload: text(),
    },
    someOf('coupon_code', 'coupon_url'),
  ),
  PRODUCT_TEMPLATE: template('product', { elements: list(1, 10, fields({ id: text() })) }),
  IMAGE_GRID_TEMPLATE: template('image_grid', {
    elements: list(
      1,
      1,
      fields({ images: gridImages }, { title: text(45), subtitle: text(80), buttons: gridButtons }),
    ),
  }),
  CUSTOMER_FEEDBACK_TEMPLATE: template(
    'customer_feedback',
    customerFeedback.required,
    customerFeedback.optional,
  ),
  CUSTOMER_INFORMATION_TEMPLATE: template(
    'customer_information',
    customerInformation.required,
    customerInformation.optional,
  ),
  INSTANT_FORM_TEMPLATE: template('instant_form', { form_id: id }),
  NOTIFICATION_MESSAGES: template(
    'notification_messages',
    { payload: text(LIMITS.payload) },
    {
      title: text(65),
      image_url: webUrl,
      notification_messages_timezone: text(),
      notification_messages_cta_text: oneOf('ALLOW', 'FREQUENCY', 'GET', 'GET_UPDATES', 'OPT_IN', 'SIGN_UP'),
      notification_messages_reoptin: oneOf('ENABLED', 'DISABLED'),
    },
  ),
};

/** Of a template that Meta has approved; it goes out with the messaging type UTILITY. */
export const utilityTemplate = fields(
  {
    name: matching(/^\w{1,512}$/, 'the name of an approved template'),
    language: fields({ code: text(16) }),
  },
  {
    components: list(
      0,
      20,
      fields(
        { type: matching(/^(header|body|buttons?)$/i, 'one of header, body, buttons') },
        { parameters: list(0, 100, parameter) },
      ),
    ),
  },
);

/** Meta's page shows texts and postbacks; what else a template may ask for is not told. */
function parameter(value: unknown, at: string): void {
  if (!isObject(value)) throw broken(at, 'object', 'must be an object');
  text()(value.type, `${at}.type`);
  for (const key of ['text', 'payload', 'parameter_name']) {
    if (value[key] !== undefined) anyText(value[key], `${at}.${key}`);
  }
}

function template(
  type: string,
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
  further?: Check,
): { type: string; check: Check } {
  return { type, check: fields(required, { ...optional, quick_replies: quickReplies }, further) };
}
