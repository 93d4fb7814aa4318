import type { LocationMessage } from '../../content/app-message.js';
import { degrees, mapUrl } from './button.js';
import { cutText } from './grapheme.js';
import { LIMITS } from './limits.js';
import { askWithButtons } from './question.js';
import type { Place, Rendering } from './rendering.js';

/** Messenger has no location of ours: a button template with title and label, and a button that opens a map. */
export function renderLocation({ title, label, coordinates }: LocationMessage, { path }: Place): Rendering {
  const url = mapUrl(coordinates, path);
  const named = [title, label ?? ''].filter((text) => text.trim() !== '');
  const text =
    named.length > 0
      ? named.join('\n')
      : `${degrees(coordinates.latitude)}, ${degrees(coordinates.longitude)}`;
  const shown = cutText((named[0] ?? text).trim(), LIMITS.buttonTitle);
  const { messages, notes } = askWithButtons({
    text,
    options: [{ label: shown, whole: shown, button: { type: 'web_url', url } }],
    textField: `${path}.title`,
    choicesField: path,
  });
  const rule = 'Messenger has no location message';
  return { messages, notes: [{ field: path, rule, action: 'sent as a button that opens a map' }, ...notes] };
}
