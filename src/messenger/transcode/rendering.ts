import type { TranscodeNote } from '../../channels/channel.js';

/** A `message` object of the Send API. */
export type Said = Record<string, unknown>;

/** A content in Messenger's words: `message` objects of the Send API, in order, and what was changed. */
export interface Rendering {
  messages: Said[];
  notes: TranscodeNote[];
  /** Of the Send API body, beside each `message`. */
  fields?: Record<string, unknown>;
}

/** Where a content stands in the message, for notes and errors, and the message that its choices are known by. */
export interface Place {
  /** In snake_case, e.g. `card_message`. */
  path: string;
  messageId: string;
}

export function template(payload: Record<string, unknown>): Said {
  return { attachment: { type: 'template', payload } };
}

/** A note that a field is not shown. The value stands in it, so that nothing goes in silence. */
export function leftOut(field: string, rule: string, value: string): TranscodeNote {
  return { field, rule, action: `left out: ${value}` };
}
