import type { TranscodeNote } from '../../channels/channel.js';
import type { ListMessage, ListSection } from '../../content/app-message.js';
import { postback, type ReadChoice } from './button.js';
import { attachment, readMedia, type ReadMedia } from './media.js';
import { labelled } from './option.js';
import {
  inCatalog,
  productLine,
  productNote,
  productTemplates,
  readProduct,
  type ReadProduct,
} from './product.js';
import { ask } from './question.js';
import { refused } from './refused.js';
import { leftOut, type Place, type Rendering, type Said } from './rendering.js';
import { Strip } from './strip.js';
import { texts } from './text.js';

interface Item {
  path: string;
  choice: ReadChoice;
  description: string;
  media: ReadMedia | null;
}

interface Section {
  title: string;
  items: Item[];
  products: ReadProduct[];
}

/**
 * A list: its media, then its products, section by section, then its choices.
 *
 * | items | become |
 * | --- | --- |
 * | products of Facebook | product templates of up to 10; title, description and titles of sections before them, as text |
 * | products of another marketplace | lines of that text |
 * | choices | a text that lists them, with quick replies, or with button templates when they are more than 13 |
 * | choices, some with media | cards side by side, with a button each |
 */
export function renderList(list: ListMessage, place: Place): Rendering {
  const notes: TranscodeNote[] = [];
  const messages: Said[] = [];
  if (list.media) {
    const media = readMedia(list.media, `${place.path}.media`);
    messages.push(attachment(media));
    notes.push(...media.notes);
  }
  const sections = readSections(list.sections, place);
  let pending = [list.title, list.description ?? ''];
  const flush = (): void => {
    const text = paragraphs(pending);
    pending = [];
    if (text === '') return;
    const said = texts(text, place.path);
    messages.push(...said.messages);
    notes.push(...said.notes);
  };
  for (const { title, products } of sections) {
    if (products.length === 0) continue;
    notes.push(...products.flatMap(productNote));
    const lines = products.filter((product) => !inCatalog(product)).map(productLine);
    pending.push((title === '' ? lines : [title, ...lines]).join('\n'));
    const shown = products.filter(inCatalog);
    if (shown.length === 0) continue;
    flush();
    messages.push(...productTemplates(shown));
  }
  const rest = sections.filter(({ items, products }) => items.length > 0 || products.length === 0);
  const items = rest.flatMap((section) => section.items);
  if (items.some(({ media }) => media !== null)) {
    for (const section of rest) {
      pending.push(section.title);
      flush();
      const strip = stripOf(section.items);
      messages.push(...strip.messages);
      notes.push(...strip.notes);
    }
  } else if (items.length > 0) {
    const asked = askItems(pending, rest, place);
    messages.push(...asked.messages);
    notes.push(...asked.notes);
  } else {
    pending.push(...rest.map(({ title }) => title));
  }
  flush();
  if (messages.length === 0) throw refused(`message.${place.path}`, 'required', 'the list is empty');
  return { messages, notes: [...notes, ...propertyNotes(list, place)] };
}

/** One text with everything, and the options under it. */
function askItems(pending: string[], sections: Section[], { path }: Place): Rendering {
  const { options, notes } = labelled(
    sections.flatMap(({ items }) =>
      items.map(({ choice, description }) => ({ ...choice, detail: description })),
    ),
  );
  let next = 0;
  const blocks = sections.map(({ title, items }) =>
    [title, ...items.map(() => `• ${options[next++]?.whole ?? ''}`)]
      .filter((line) => line.trim() !== '')
      .join('\n'),
  );
  pending.push(...blocks);
  const asked = ask({
    text: paragraphs(pending.splice(0)),
    // The text says them whole.
    options: options.map((option) => ({ ...option, whole: option.label })),
    textField: path,
    choicesField: `${path}.sections`,
  });
  return { messages: asked.messages, notes: [...notes, ...asked.notes] };
}

function stripOf(items: Item[]): Strip {
  const strip = new Strip();
  for (const { path, choice, description, media } of items) {
    const { options, notes } = labelled([choice]);
    strip.notes.push(...notes, ...(media?.notes ?? []));
    // The title of the card says it whole.
    const shown = options.map((option) => ({ ...option, whole: option.label }));
    strip.add({ path, title: choice.title, description, media, options: shown, notes });
  }
  strip.end();
  return strip;
}

function readSections(sections: ListSection[], { path, messageId }: Place): Section[] {
  let index = 0;
  return sections.map((section, position) => {
    const read: Section = { title: section.title?.trim() ? section.title : '', items: [], products: [] };
    for (const [place, { choice, product }] of section.items.entries()) {
      const field = `${path}.sections[${position}].items[${place}]`;
      if (product) {
        read.products.push(readProduct(product, `${field}.product`));
        continue;
      }
      if (!choice) throw refused(`message.${field}`, 'required', 'an item is a choice or a product');
      const { title, description, media, postback_data } = choice;
      if (title.trim() === '') {
        throw refused(`message.${field}.choice.title`, 'required', 'a choice needs a title');
      }
      const at = `${field}.choice`;
      const answer = postback(postback_data, title, `${at}.postback_data`, index++, messageId);
      read.items.push({
        path: at,
        choice: { field: `${at}.title`, title, detail: '', ...answer },
        description: description?.trim() ? description : '',
        media: media ? readMedia(media, `${at}.media`) : null,
      });
    }
    return read;
  });
}

function paragraphs(texts: string[]): string {
  return texts.filter((text) => text.trim() !== '').join('\n\n');
}

function propertyNotes({ message_properties }: ListMessage, { path }: Place): TranscodeNote[] {
  const { menu, catalog_id } = message_properties ?? {};
  const at = `${path}.message_properties`;
  const notes: TranscodeNote[] = [];
  if (menu) notes.push(leftOut(`${at}.menu`, 'Messenger hides no list behind a button', menu));
  if (catalog_id)
    notes.push(leftOut(`${at}.catalog_id`, 'products are of the catalog of the page', catalog_id));
  return notes;
}
