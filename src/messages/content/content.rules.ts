// Rules of content that span fields; what one field can tell is marked on it.
import { invalid } from '../../errors.js';
import type { AppMessageInput } from './app-message.input.js';
import type { CardMessageInput } from './card.input.js';
import { type ChoiceInput, DisplayMode } from './choice.input.js';
import type { GenericContentInput } from './generic-content.input.js';
import type { ListItemInput, ListMessageInput } from './list.input.js';
import { MAX_PAYLOAD } from './marks.js';
import type { ChannelSpecificMessageInput, OmniMessageOverrideInput } from './override.input.js';
import type { TemplateMessageInput } from './template.input.js';

const GENERIC: (keyof GenericContentInput)[] = [
  'textMessage',
  'mediaMessage',
  'cardMessage',
  'carouselMessage',
  'choiceMessage',
  'listMessage',
  'locationMessage',
  'contactInfoMessage',
];
const CONTENT: (keyof AppMessageInput)[] = [...GENERIC, 'templateMessage'];
const OVERRIDES: (keyof AppMessageInput)[] = [
  'explicitChannelMessage',
  'channelSpecificMessage',
  'explicitChannelOmniMessage',
];
const OMNI: (keyof OmniMessageOverrideInput)[] = [...GENERIC, 'templateReference'];
const CHOICE: (keyof ChoiceInput)[] = [
  'textMessage',
  'urlMessage',
  'callMessage',
  'locationMessage',
  'calendarMessage',
  'shareLocationMessage',
];
const CARD: (keyof CardMessageInput)[] = ['title', 'description', 'mediaMessage', 'choices'];
const ITEM: (keyof ListItemInput)[] = ['choice', 'product'];
const TEMPLATE: (keyof TemplateMessageInput)[] = ['omniTemplate', 'channelTemplate'];

/** @throws DomainError INVALID_ARGUMENT naming the first rule that is broken. */
export function checkAppMessage(input: AppMessageInput, path: string): void {
  const overridden = given(input, OVERRIDES).length > 0;
  if (!overridden || given(input, CONTENT).length > 0) exactlyOne(input, CONTENT, path);
  checkGenericContent(input, path);
  if (input.templateMessage) atLeastOne(input.templateMessage, TEMPLATE, `${path}.templateMessage`);
  input.channelSpecificMessage?.forEach((specific, index) =>
    checkChannelSpecific(specific, `${path}.channelSpecificMessage[${index}]`),
  );
  input.explicitChannelOmniMessage?.forEach(({ message }, index) => {
    const omniPath = `${path}.explicitChannelOmniMessage[${index}].message`;
    exactlyOne(message, OMNI, omniPath);
    checkGenericContent(message, omniPath);
  });
}

function checkGenericContent(input: GenericContentInput, path: string): void {
  const { cardMessage, carouselMessage, choiceMessage, listMessage } = input;
  if (cardMessage) checkCard(cardMessage, `${path}.cardMessage`);
  if (choiceMessage) checkChoices(choiceMessage.choices, `${path}.choiceMessage.choices`);
  if (listMessage) checkList(listMessage, `${path}.listMessage`);
  if (carouselMessage) {
    const carouselPath = `${path}.carouselMessage`;
    carouselMessage.cards.forEach((card, index) => checkCard(card, `${carouselPath}.cards[${index}]`));
    checkChoices(carouselMessage.choices, `${carouselPath}.choices`);
    carouselMessage.choices?.forEach((choice, index) =>
      checkNotPersistent(choice, `${carouselPath}.choices[${index}].displayMode`),
    );
  }
}

function checkCard(card: CardMessageInput, path: string): void {
  atLeastOne(card, CARD, path);
  checkChoices(card.choices, `${path}.choices`);
}

function checkChoices(choices: ChoiceInput[] | null | undefined, path: string): void {
  choices?.forEach((choice, index) => {
    exactlyOne(choice, CHOICE, `${path}[${index}]`);
    const event = choice.calendarMessage;
    if (event && event.eventEnd < event.eventStart) {
      const endPath = `${path}[${index}].calendarMessage.eventEnd`;
      throw invalid(endPath, 'notBefore', `${endPath} must not be before eventStart`);
    }
  });
}

function checkNotPersistent({ displayMode }: ChoiceInput, path: string): void {
  if (displayMode == null || displayMode === DisplayMode.DISPLAY_MODE_UNSPECIFIED) return;
  throw invalid(path, 'notAllowed', `${path} is not for the choices under a carousel`);
}

function checkList(list: ListMessageInput, path: string): void {
  list.sections.forEach(({ items }, section) => {
    const itemsPath = `${path}.sections[${section}].items`;
    items.forEach((item, index) => exactlyOne(item, ITEM, `${itemsPath}[${index}]`));
    if (new Set(items.map(({ product }) => product == null)).size > 1) {
      throw invalid(itemsPath, 'oneKind', `${itemsPath} must be all choices or all products`);
    }
  });
  const sells = list.sections.some(({ items }) => items.some(({ product }) => product != null));
  if (sells && !list.messageProperties?.catalogId) {
    const catalogPath = `${path}.messageProperties.catalogId`;
    throw invalid(catalogPath, 'isNotEmpty', `${catalogPath} is required with products`);
  }
}

function checkChannelSpecific({ message }: ChannelSpecificMessageInput, path: string): void {
  if (JSON.stringify(message).length <= MAX_PAYLOAD) return;
  const rule = `must be at most ${MAX_PAYLOAD} characters of JSON`;
  throw invalid(`${path}.message`, 'maxLength', `${path}.message ${rule}`);
}

function exactlyOne<T extends object>(input: T, names: (keyof T & string)[], path: string): void {
  if (given(input, names).length === 1) return;
  throw invalid(path, 'exactlyOne', `${path} must have exactly one of ${names.join(', ')}`);
}

function atLeastOne<T extends object>(input: T, names: (keyof T & string)[], path: string): void {
  if (given(input, names).length > 0) return;
  throw invalid(path, 'atLeastOne', `${path} must have at least one of ${names.join(', ')}`);
}

/** A blank text or an empty list says nothing. */
function given<T extends object>(input: T, names: (keyof T & string)[]): string[] {
  return names.filter((name) => {
    const value = input[name];
    if (typeof value === 'string') return value.trim() !== '';
    return Array.isArray(value) ? value.length > 0 : value != null;
  });
}
