import { fieldsOf, type Fields } from './fields.js';

/** Fields of Meta's that have no place in the generic content go along as `details`, under Meta's own names. */
export interface Detailed {
  details?: Fields;
}

/** What the parts say together; nothing when they say nothing. A later part wins. */
export function detailsOf(...parts: Fields[]): Detailed {
  const details = Object.assign({}, ...parts) as Fields;
  return Object.keys(details).length === 0 ? {} : { details };
}

/** The fields but those named; also where Meta's JSON has a key `__proto__`. */
export function without(fields: Fields, ...names: string[]): Fields {
  const entries = Object.entries(fields).filter(([name]) => !names.includes(name) && name !== '__proto__');
  return Object.fromEntries(entries);
}

/** `{ [name]: value }`, or nothing where the value is an empty object or text, or is not there. */
export function named(name: string, value: unknown): Fields {
  if (value === undefined || value === null || value === '') return {};
  return typeof value === 'object' && Object.keys(value).length === 0 ? {} : { [name]: value };
}

/** What a message says beside its content: `nlp`, `commands`, `tags`, `sticker_id`, and what Meta may add. */
export function messageDetails(message: Fields): Fields {
  const { reply_to: replyTo } = message;
  return {
    ...without(message, ...IN_THE_CONTENT),
    // A story, or whether people answer themselves.
    ...named('reply_to', without(fieldsOf(replyTo) ?? {}, 'mid')),
  };
}

/** `seq` counted up until 2018 and says nothing; `app_id` and `metadata` are an echo's. */
const IN_THE_CONTENT = [
  ...['mid', 'seq', 'text', 'attachments', 'quick_reply', 'reply_to', 'referral'],
  ...['is_echo', 'app_id', 'metadata', 'is_deleted'],
];
