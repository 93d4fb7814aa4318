import type { TextMessage } from '../../content/app-message.js';
import { splitText } from './grapheme.js';
import { LIMITS } from './limits.js';
import { refused } from './refused.js';
import type { Rendering } from './rendering.js';

/** A text as it is; one over Messenger's limit as several messages. */
export function renderText({ text }: TextMessage): Rendering {
  if (text.trim() === '') {
    throw refused('message.text_message.text', 'required', 'Messenger takes no empty text');
  }
  const pieces = splitText(text, LIMITS.text);
  return {
    messages: pieces.map((piece) => ({ text: piece })),
    notes:
      pieces.length === 1
        ? []
        : [
            {
              field: 'text_message.text',
              rule: `a text has at most ${LIMITS.text} characters`,
              action: `sent as ${pieces.length} messages`,
            },
          ],
  };
}
