import { LIMITS } from '../transcode/limits.js';
import {
  broken,
  byKey,
  type Check,
  fields,
  flag,
  httpsUrl,
  type Json,
  list,
  matching,
  object,
  oneOf,
  text,
  webUrl,
} from './checks.js';

/** Buttons of templates. Source: messenger-platform/send-messages/buttons. */

const title = text(LIMITS.buttonTitle);
const payload = text(LIMITS.payload);

const webview = {
  webview_height_ratio: oneOf('compact', 'tall', 'full'),
  messenger_extensions: flag,
  fallback_url: webUrl,
  webview_share_button: oneOf('hide'),
};

const extensions: Check = (value, at) => {
  const { url, messenger_extensions: used, fallback_url: fallback } = value as Json;
  if (used === true) httpsUrl(url, `${at}.url`);
  else if (fallback !== undefined)
    throw broken(`${at}.fallback_url`, 'extensions', 'goes with messenger_extensions only');
};

/** What a tap on a card opens: a URL button without a title. */
export const defaultAction = fields({ type: oneOf('web_url'), url: webUrl }, webview, extensions);

const web = fields({ type: oneOf('web_url'), title, url: webUrl }, webview, extensions);
const postback = fields({ type: oneOf('postback'), title, payload });

const button = byKey('type', {
  web_url: web,
  postback,
  phone_number: fields({
    type: oneOf('phone_number'),
    title,
    payload: matching(/^\+[1-9]\d{6,14}$/, 'a phone number: +, country code and digits'),
  }),
  account_link: fields({ type: oneOf('account_link'), url: httpsUrl }),
  account_unlink: fields({ type: oneOf('account_unlink') }),
  game_play: fields({ type: oneOf('game_play'), title }, { payload, game_metadata: object }),
  audio_call: fields({ type: oneOf('audio_call') }, { title, payload }),
});

export const buttons = list(1, LIMITS.buttons, button);

/** An image grid takes these two kinds only. */
export const gridButtons = list(1, LIMITS.buttons, byKey('type', { web_url: web, postback }));
