import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AppMessage, CardMessage, Choice, ListItem } from '../../src/content/app-message.js';
import { transcode } from '../../src/messenger/transcode/transcode.js';

/** The table of the README, line by line: the words in code are what leaves for Messenger. */
const rows = tableUnder('## What Messenger shows');

function tableUnder(heading: string): [content: string, messenger: string, over: string][] {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const section = readme.slice(readme.indexOf(heading) + heading.length).split('\n## ')[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) => {
    const [, content = '', messenger = '', over = ''] = line.split('|').map((cell) => cell.trim());
    return [content, messenger, over];
  });
}

const words = (cell: string): string[] => [...cell.matchAll(/`([a-z+]+)`/g)].map(([, word]) => word ?? '');

/** What leaves, in the words of the table; several alike in a row are one. */
function shapes(messages: AppMessage[]): string[] {
  return messages.flatMap((message) => {
    const { payloads } = transcode(message, { messageId: '01JD', properties: {} });
    const all = payloads.map(({ message: said }) => shapeOf(said as Said));
    return all.filter((shape, index) => shape !== all[index - 1]);
  });
}

interface Said {
  attachment?: { type: string; payload: { template_type?: string } };
  quick_replies?: object[];
}

function shapeOf({ attachment, quick_replies }: Said): string {
  return `${attachment?.payload.template_type ?? attachment?.type ?? 'text'}${quick_replies ? '+replies' : ''}`;
}

const IMAGE = { url: 'https://shop.example/hat.jpg' };
const VIDEO = { url: 'https://shop.example/hat.mp4' };
const LONG = 'Nine chars'.repeat(201);
const named = (label: string): Choice => ({ text_message: { text: label } });
const replies = (count: number): Choice[] =>
  Array.from({ length: count }, (_, index) => named(`Size ${index}`));
const link: Choice = { url_message: { title: 'Shop', url: 'https://shop.example' } };
const choice = (choices: Choice[], text = 'Which?'): AppMessage => ({
  choice_message: { text_message: { text }, choices },
});
const card = (card_message: CardMessage): AppMessage => ({ card_message });
const cards = (count: number, one: CardMessage = { title: 'Hat', media_message: IMAGE }): CardMessage[] =>
  Array.from({ length: count }, () => one);
const list = (items: ListItem[], title = 'Hats'): AppMessage => ({
  list_message: { title, sections: [{ items }] },
});
const picks = (count: number, media?: typeof IMAGE): ListItem[] =>
  Array.from({ length: count }, (_, index) => ({
    choice: { title: `Hat ${index}`, ...(media ? { media } : {}) },
  }));
const products = (count: number, marketplace: string): ListItem[] =>
  Array.from({ length: count }, (_, index) => ({ product: { id: `${index}`, marketplace } }));
const place = (title: string): AppMessage => ({
  location_message: { title, coordinates: { latitude: 1, longitude: 2 } },
});
const contact = (full_name: string): AppMessage => ({
  contact_info_message: { name: { full_name }, phone_numbers: [{ phone_number: '+46732000000' }] },
});
const event: Choice = {
  calendar_message: {
    title: 'Add',
    event_title: 'Sale',
    event_start: '2026-01-05T10:00:00Z',
    event_end: '2026-01-05T11:00:00Z',
    fallback_url: 'https://shop.example/sale',
  },
};
const share: Choice = {
  share_location_message: { title: 'Here', fallback_url: 'https://shop.example/here' },
};

/** What each row is about: messages within the limits, and past them. */
const SAMPLES: Record<string, [fits: AppMessage[], over: AppMessage[]]> = {
  text: [[{ text_message: { text: 'Hej' } }], [{ text_message: { text: LONG } }]],
  media: [
    ['jpg', 'mp4', 'mp3', 'pdf'].map((end) => ({ media_message: { url: `https://shop.example/a.${end}` } })),
    [],
  ],
  'choice, replies only': [[choice(replies(13))], [choice(replies(14))]],
  'choice, other kinds among them': [
    [choice([link, named('No')])],
    [choice([link, link, link, link], 'x'.repeat(641))],
  ],
  'choice for a calendar or to share a location': [[choice([event, share])], []],
  'choice with a title over 20 characters': [[choice([named('x'.repeat(21))])], []],
  'card with a title and an image or a description': [
    [card({ title: 'Hat', media_message: IMAGE, choices: replies(3) })],
    [card({ title: 'Hat', description: 'x'.repeat(81), choices: [link, ...replies(3)] })],
  ],
  'card with a title and something, more than 3 choices, replies only': [
    [card({ title: 'Hat', description: 'Brown', choices: replies(4) })],
    [card({ title: 'Hat', description: 'Brown', choices: replies(14) })],
  ],
  'card with a title and choices alone': [
    [card({ title: 'Hat', choices: replies(3) })],
    [card({ title: 'Hat', choices: replies(4) })],
  ],
  'card with a title alone': [[card({ title: 'Hat' })], [card({ title: LONG })]],
  'card with a description alone': [[card({ description: 'Brown' })], [card({ description: LONG })]],
  'card with a description and choices, no title': [
    [card({ description: 'Brown', choices: replies(2) })],
    [card({ description: 'Brown', choices: replies(14) })],
  ],
  'card with media, no title': [[card({ media_message: IMAGE })], []],
  'card with media and a choice, no title': [
    [card({ media_message: IMAGE, choices: [link] })],
    [
      card({ media_message: IMAGE, choices: replies(2) }),
      card({ media_message: IMAGE, choices: [link, link] }),
    ],
  ],
  'card with video, audio or a file, and a title': [
    [card({ title: 'Hat', description: 'Brown', media_message: VIDEO })],
    [],
  ],
  carousel: [[{ carousel_message: { cards: cards(10) } }], [{ carousel_message: { cards: cards(11) } }]],
  'carousel with something to cut': [
    [{ carousel_message: { cards: cards(2, { title: 'x'.repeat(81), media_message: IMAGE }) } }],
    [],
  ],
  'carousel with a card that has no title and no description, or a title alone': [
    [{ carousel_message: { cards: [...cards(2), { media_message: IMAGE }, ...cards(1)] } }],
    [],
  ],
  'carousel with choices of its own': [
    [{ carousel_message: { cards: cards(2), choices: replies(3) } }],
    [{ carousel_message: { cards: cards(2), choices: [link] } }],
  ],
  'list of choices': [[list(picks(13))], [list(picks(14))]],
  'list of choices with media': [[list(picks(2, IMAGE))], [list(picks(11, IMAGE))]],
  'list of products of Facebook': [[list(products(10, 'FACEBOOK'))], [list(products(11, 'FACEBOOK'))]],
  'list of products of another marketplace': [
    [list(products(2, 'GOOGLE'))],
    [list(products(2, 'GOOGLE'), LONG)],
  ],
  location: [[place('Shop')], [place('x'.repeat(641))]],
  'contact info': [[contact('Ada Abe')], [contact(LONG)]],
};

describe('the table of the README', () => {
  test('has a row for each of the samples here, and no other', () => {
    expect(rows.map(([content]) => content)).toEqual(Object.keys(SAMPLES));
  });

  test.each(rows)('%s', (content, messenger, over) => {
    const [fits, past] = SAMPLES[content] ?? [[], []];
    expect(shapes(fits)).toEqual(words(messenger));
    expect(shapes(past)).toEqual(words(over));
    const count = past.flatMap(
      (message) => transcode(message, { messageId: '01JD', properties: {} }).payloads,
    ).length;
    if (over.includes('several')) expect(count).toBeGreaterThan(words(over).length);
  });
});
