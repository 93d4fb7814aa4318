import { LIMITS } from '../transcode/limits.js';
import { broken, byKey, type Check, fields, type Json, list, oneOf, text, webUrl } from './checks.js';

/** Source: messenger-platform/send-messages/quick-replies. */

const label = text(LIMITS.quickReplyTitle);
const data = text(LIMITS.payload);

/** Beside an image either may be empty; without one Meta wants both. */
const title: Check = (value, at) => {
  if (value !== '') label(value, at);
};
const payload: Check = (value, at) => {
  if (value !== '' && !Number.isFinite(value)) data(value, at);
};

const complete: Check = (value, at) => {
  const reply = value as Json;
  if (reply.image_url !== undefined) return;
  for (const key of ['title', 'payload']) {
    if (reply[key] === undefined || reply[key] === '') {
      throw broken(`${at}.${key}`, 'required', 'is required without an image_url');
    }
  }
};

/** `location` went in 2019: people share a place on their own. */
export const quickReplies = list(
  1,
  LIMITS.quickReplies,
  byKey('content_type', {
    text: fields({ content_type: oneOf('text') }, { title, payload, image_url: webUrl }, complete),
    user_phone_number: fields({ content_type: oneOf('user_phone_number') }, { image_url: webUrl }),
    user_email: fields({ content_type: oneOf('user_email') }, { image_url: webUrl }),
  }),
);
