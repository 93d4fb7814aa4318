import { badParam } from '../graph.error.js';
import { also, anything, boolean, byField, list, matching, oneOf, shape, text, url } from './rules.js';

/**
 * Buttons of templates.
 * Source: messenger-platform/send-messages/buttons. `element_share`, `payment` and `nested` are gone.
 */

const title = text(20);
const payload = text(1000);

const webUrlFields = {
  webview_height_ratio: oneOf('compact', 'tall', 'full'),
  messenger_extensions: boolean,
  fallback_url: url(),
  webview_share_button: oneOf('hide'),
};

interface WebUrl {
  url: string;
  messenger_extensions?: boolean;
  fallback_url?: string;
}

function extensions({ url: target, messenger_extensions, fallback_url }: WebUrl, at: string) {
  if (messenger_extensions === true && !target.startsWith('https:')) {
    return badParam(`Param ${at}[url] must be https when messenger_extensions is used`);
  }
  if (fallback_url !== undefined && messenger_extensions !== true) {
    return badParam(`Param ${at}[fallback_url] may only be used with messenger_extensions`);
  }
  return undefined;
}

/** What a tap on a card itself opens: a web_url button without a title. */
export const defaultAction = also(shape({ type: oneOf('web_url'), url: url() }, webUrlFields), extensions);

const webUrl = also(shape({ type: oneOf('web_url'), title, url: url() }, webUrlFields), extensions);
const postback = shape({ type: oneOf('postback'), title, payload }, {});

export const button = byField<unknown>('type', {
  web_url: webUrl,
  postback,
  phone_number: shape(
    {
      type: oneOf('phone_number'),
      title,
      payload: matching(/^\+\d{5,15}$/, 'a phone number: "+", country code and digits'),
    },
    {},
  ),
  account_link: shape({ type: oneOf('account_link'), url: url('https') }, {}),
  account_unlink: shape({ type: oneOf('account_unlink') }, {}),
  game_play: shape({ type: oneOf('game_play'), title }, { payload, game_metadata: anything }),
  // Announced 2026-02-11; its fields are not documented beyond the type.
  audio_call: shape({ type: oneOf('audio_call') }, { title, payload }),
});

export const buttons = list(1, 3, button);

/** An image grid takes these two kinds only. */
export const gridButtons = list(1, 3, byField<unknown>('type', { web_url: webUrl, postback }));
