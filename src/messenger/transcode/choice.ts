import type { ChoiceMessage } from '../../content/app-message.js';
import { optionsOf } from './option.js';
import { ask } from './question.js';
import { refused } from './refused.js';
import type { Place, Rendering } from './rendering.js';

/**
 * A question with choices.
 *
 * | choices | become |
 * | --- | --- |
 * | up to 13, all `text_message` | quick replies under the question |
 * | any of another kind among them, or more than 13 | button templates of up to 3 buttons each, in the order given: `postback`, `web_url`, `phone_number`, and `web_url` to a map, an event or a page |
 *
 * Titles over 20 characters are cut on the button and stand whole in the text, like the label of a location.
 */
export function renderChoice({ text_message, choices }: ChoiceMessage, place: Place): Rendering {
  const choicesField = `${place.path}.choices`;
  if (choices.length === 0) {
    throw refused(`message.${choicesField}`, 'arrayMinSize', 'a choice message needs a choice');
  }
  const { options, notes } = optionsOf(choices, place);
  const asked = ask({
    text: text_message?.text ?? '',
    options,
    textField: `${place.path}.text_message.text`,
    choicesField,
  });
  return { messages: asked.messages, notes: [...notes, ...asked.notes] };
}
