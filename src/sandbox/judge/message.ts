import { badParam } from '../graph.error.js';
import { attachment, images } from './attachments.js';
import { also, anyText, byField, id, list, matching, oneOf, shape, text, url } from './rules.js';
import type { Accepted, Rule } from './rules.js';

/** The `message` of a send. Sources: Send API reference; send-messages/quick-replies; utility-messages. */

const quickReplyPayload: Rule<string | number> = (value, at) =>
  typeof value === 'number' ? undefined : text(1000, 0)(value, at);

const textReply = also(
  shape(
    { content_type: oneOf('text') },
    { title: text(20, 0), payload: quickReplyPayload, image_url: url() },
  ),
  ({ title, payload, image_url }, at) => {
    if (!title && image_url === undefined) return badParam(`The parameter ${at}[title] is required`);
    if ((payload === undefined || payload === '') && image_url === undefined) {
      return badParam(`The parameter ${at}[payload] is required`);
    }
    return undefined;
  },
);

// `location` was removed in 2019: people share a place on their own.
const quickReply = byField<QuickReply>('content_type', {
  text: textReply,
  user_phone_number: shape({ content_type: oneOf('user_phone_number') }, { image_url: url() }),
  user_email: shape({ content_type: oneOf('user_email') }, { image_url: url() }),
});

export interface QuickReply {
  content_type: 'text' | 'user_phone_number' | 'user_email';
  title?: string;
  payload?: string | number;
  image_url?: string;
}

const parameters = list(0, Number.MAX_SAFE_INTEGER, shape({ type: anyText }, {}, 'open'));

/** An approved template by name; whether Meta has approved it is not known here. */
export const utilityTemplate = shape(
  { name: matching(/^\w{1,512}$/, 'the name of a template'), language: shape({ code: text(16) }, {}) },
  {
    components: list(
      0,
      Number.MAX_SAFE_INTEGER,
      shape(
        { type: matching(/^(header|body|buttons?)$/i, 'one of {header, body, buttons}') },
        { parameters },
        'open',
      ),
    ),
  },
);

const fields = shape(
  {},
  {
    text: text(2000, 0),
    attachment,
    attachments: images,
    quick_replies: list(1, 13, quickReply),
    // "Under 1000 characters": 999.
    metadata: text(999, 0),
    sticker_id: id,
    template: utilityTemplate,
  },
);

export const message = also(fields, (value, at) => {
  const contents = (['text', 'attachment', 'attachments', 'sticker_id', 'template'] as const).filter(
    (key) => value[key] !== undefined && value[key] !== '',
  );
  if (contents.length === 0)
    return badParam('Message cannot be empty, must provide valid attachment or text', 2018034);
  if (contents.length > 1) return badParam(`Only one of ${contents.join(', ')} may be set in param ${at}`);
  if (value.quick_replies !== undefined && contents[0] !== 'text' && contents[0] !== 'attachment') {
    return badParam(`Param ${at}[quick_replies] needs text or an attachment`);
  }
  return undefined;
});

export type Message = Accepted<typeof message>;
