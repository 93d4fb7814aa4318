import { badParam, type Refusal } from '../graph.error.js';
import { buttons, defaultAction, gridButtons } from './buttons.js';
import { customerFeedback, customerInformation } from './feedback.js';
import { receipt } from './receipt.js';
import {
  also,
  anyText,
  boolean,
  byField,
  id,
  isObject,
  list,
  matching,
  oneOf,
  shape,
  text,
  url,
} from './rules.js';
import type { JsonObject, Rule } from './rules.js';

/**
 * Template payloads, by `template_type`. Source: messenger-platform/send-messages/template/*.
 * Left out on purpose, so that they are refused: `list`, `open_graph`, `airline_*`, `one_time_notif_req`,
 * and `notification_messages`, whose sends fail in most regions since 2026-02-10.
 */

/** Refuses with a subcode of its own what another rule would refuse as a plain bad parameter. */
function withSubcode<T>(rule: Rule<T>, subcode: number, code = 100): Rule<T> {
  return (value, at) => {
    const refusal = rule(value, at);
    return refusal && { ...refusal, code, subcode };
  };
}

const card = also(
  shape(
    { title: text(80) },
    { subtitle: text(80, 0), image_url: url(), default_action: defaultAction, buttons },
  ),
  (element, at) =>
    element.subtitle || element.image_url || element.default_action || element.buttons
      ? undefined
      : badParam(`Param ${at} must have at least one property besides title`),
);

const generic = shape(
  { template_type: oneOf('generic'), elements: list(1, 10, card) },
  { sharable: boolean, image_aspect_ratio: oneOf('horizontal', 'square') },
);

const button = shape({ template_type: oneOf('button'), text: text(640), buttons }, { sharable: boolean });

const facebookUrl: Rule<string> = (value, at) =>
  url()(value, at) ??
  (/(^|\.)(facebook|fb)\.com$/.test(new URL(value as string).hostname)
    ? undefined
    : badParam(`Param ${at} must be the Facebook URL of a photo or video`, 2018185));

const mediaElement = also(
  shape(
    { media_type: withSubcode(oneOf('image', 'video'), 2018182) },
    { attachment_id: id, url: facebookUrl, buttons },
  ),
  ({ attachment_id, url: source }, at) => {
    if (attachment_id === undefined && source === undefined) {
      return badParam(`Param ${at} must have either a url or an attachment_id`, 2018187);
    }
    return attachment_id !== undefined && source !== undefined
      ? badParam(`Param ${at} must not have both a url and an attachment_id`)
      : undefined;
  },
);

const media = shape(
  { template_type: oneOf('media'), elements: list(1, 1, mediaElement) },
  { sharable: boolean },
);

// The catalog is not known here, nor how its owner writes ids: only what can be none is refused.
const productId = matching(/\S/, 'the id of a product in the catalog of the page');

const product = shape(
  {
    template_type: oneOf('product'),
    elements: list(1, 10, shape({ id: withSubcode(productId, 2018320) }, {})),
  },
  {},
);

const coupon = also(
  shape(
    { template_type: oneOf('coupon'), title: text(80) },
    {
      subtitle: text(80, 0),
      coupon_code: matching(/^\S+$/, 'a code without spaces'),
      coupon_url: url(),
      coupon_url_button_title: anyText,
      coupon_pre_message: anyText,
      image_url: url(),
      payload: anyText,
    },
  ),
  ({ coupon_code, coupon_url }, at) =>
    coupon_code === undefined && coupon_url === undefined
      ? badParam(`Param ${at} must have a coupon_code or a coupon_url`)
      : undefined,
);

const gridImage = shape(
  { url: url() },
  {
    is_hero_image: boolean,
    action: byField<unknown>('type', {
      web_url: shape({ type: oneOf('web_url'), url: url() }, {}),
      postback: shape({ type: oneOf('postback'), payload: text(1000), text: anyText }, {}),
    }),
  },
);

function oneHero({ images }: { images: { is_hero_image?: boolean }[] }, at: string): Refusal | undefined {
  return images.filter((image) => image.is_hero_image === true).length > 1
    ? badParam(`Param ${at}[images] may have only one hero image`)
    : undefined;
}

const imageGrid = shape(
  {
    template_type: oneOf('image_grid'),
    elements: list(
      1,
      1,
      also(
        shape(
          { images: list(2, 6, gridImage) },
          { title: text(45), subtitle: text(80, 0), buttons: gridButtons },
        ),
        oneHero,
      ),
    ),
  },
  {},
);

const instantForm = shape({ template_type: oneOf('instant_form'), form_id: withSubcode(id, 2018382, 1) }, {});

export const template = byField<JsonObject>('template_type', {
  generic,
  button,
  media,
  receipt,
  product,
  coupon,
  image_grid: imageGrid,
  customer_feedback: customerFeedback,
  customer_information: customerInformation,
  instant_form: instantForm,
});

/** The template payload of a message, where it has one. */
export function templateOf(message: { attachment?: unknown }): JsonObject | undefined {
  const { attachment } = message;
  return isObject(attachment) && attachment.type === 'template' && isObject(attachment.payload)
    ? attachment.payload
    : undefined;
}
