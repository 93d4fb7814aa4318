import type { TextMessage } from '../../content/app-message.js';
import { splitText } from './grapheme.js';
import { LIMITS } from './limits.js';
import { refused } from './refused.js';
import type { Rendering } from './rendering.js';

/** A text message as it is; one over Messenger's limit as several messages. */
export function renderText({ text }: TextMessage, path: string): Rendering {
  if (text.trim() === '') throw refused(`message.${path}.text`, 'required', 'Messenger takes no empty text');
  return texts(text, `${path}.text`);
}

/** A text that is not blank, in as many messages as it takes. */
export function texts(text: string, field: string): Rendering {
  const pieces = splitText(text, LIMITS.text);
  const rule = `a text has at most ${LIMITS.text} characters`;
  return {
    messages: pieces.map((piece) => ({ text: piece })),
    notes: pieces.length === 1 ? [] : [{ field, rule, action: `sent as ${pieces.length} messages` }],
  };
}
