import { badParam } from '../graph.error.js';
import { also, boolean, byField, id, list, oneOf, shape, url } from './rules.js';
import type { JsonObject } from './rules.js';
import { template } from './templates.js';

/** Media and template attachments. Source: messenger-platform/send-messages, saving-assets. */

export const mediaTypes = ['image', 'audio', 'video', 'file'] as const;
export type MediaType = (typeof mediaTypes)[number];

const mediaPayload = also(
  shape({}, { url: url(), attachment_id: id, is_reusable: boolean }),
  ({ url: source, attachment_id }, at) =>
    (source === undefined) === (attachment_id === undefined)
      ? badParam(`Param ${at} must have either a url or an attachment_id`)
      : undefined,
);

function media(type: MediaType) {
  return shape({ type: oneOf(type), payload: mediaPayload }, {});
}

export const attachment = byField<{ type: string; payload: JsonObject }>('type', {
  image: media('image'),
  audio: media('audio'),
  video: media('video'),
  file: media('file'),
  template: shape({ type: oneOf('template'), payload: template }, {}),
});

/** Several images in one message (2025-03-19); public projects disagree about 10 or 30, so 10 is the safe one. */
export const images = list(
  1,
  10,
  shape({ type: oneOf('image'), payload: shape({ url: url() }, { is_reusable: boolean }) }, {}),
);

/** Body of `POST /{page}/message_attachments`; a multipart upload has no url. */
export const upload = shape(
  {
    message: shape(
      {
        attachment: shape(
          { type: oneOf(...mediaTypes) },
          { payload: shape({}, { url: url(), is_reusable: boolean }) },
        ),
      },
      {},
    ),
  },
  {},
  'open',
);
