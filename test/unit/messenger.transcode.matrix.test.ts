// CM.com's input matrix, row by row: text, media, suggestions and header in every combination, on our card.
import { describe, expect, test } from 'vitest';
import type { AppMessage, CardMessage, Choice } from '../../src/content/app-message.js';
import { DomainError } from '../../src/errors.js';
import { transcode } from '../../src/messenger/transcode/transcode.js';

const said = (message: AppMessage): unknown[] =>
  transcode(message, { messageId: '01JD', properties: {} }).payloads.map((payload) => payload.message);

const URL = 'https://shop.example/hat.png';
const replies = (count: number): Choice[] =>
  Array.from({ length: count }, (_, index) => ({
    text_message: { text: `Size ${index}` },
    postback_data: `${index}`,
  }));
const postbacks = (count: number): object[] =>
  Array.from({ length: count }, (_, index) => ({
    type: 'postback',
    title: `Size ${index}`,
    payload: `${index}`,
  }));
const quick = (count: number): object[] =>
  Array.from({ length: count }, (_, index) => ({
    content_type: 'text',
    title: `Size ${index}`,
    payload: `${index}`,
  }));

const template = (payload: object): object => ({ attachment: { type: 'template', payload } });
const generic = (element: object): object => template({ template_type: 'generic', elements: [element] });
const mediaTemplate = (element: object): object =>
  template({ template_type: 'media', elements: [{ media_type: 'image', url: URL, ...element }] });
const IMAGE = { attachment: { type: 'image', payload: { url: URL } } };
const CARD = { title: 'Hat', subtitle: 'Brown felt' };

const TEXT = { description: 'Brown felt' };
const MEDIA = { media_message: { url: URL } };
const HEADER = { title: 'Hat' };
const few = { choices: replies(1) };
const three = { choices: replies(3) };
const many = { choices: replies(4) };

describe('the input matrix', () => {
  test.each<[inputs: string, output: string, card: CardMessage, messages: object[]]>([
    // A generic template with a title alone is refused by Meta.
    ['header', 'a text, as Meta wants something beside a title', HEADER, [{ text: 'Hat' }]],
    [
      'suggestions and header',
      'a button template',
      { ...three, ...HEADER },
      [template({ template_type: 'button', text: 'Hat', buttons: postbacks(3) })],
    ],
    [
      'more than 3 suggestions and header',
      'quick replies',
      { ...many, ...HEADER },
      [{ text: 'Hat', quick_replies: quick(4) }],
    ],
    ['media', 'a media message', MEDIA, [IMAGE]],
    [
      'media and header',
      'a generic template',
      { ...MEDIA, ...HEADER },
      [generic({ title: 'Hat', image_url: URL })],
    ],
    [
      'media and one suggestion',
      'a media template',
      { ...MEDIA, ...few },
      [mediaTemplate({ buttons: postbacks(1) })],
    ],
    [
      'media and more suggestions',
      'a media template with quick replies',
      { ...MEDIA, ...three },
      [{ ...mediaTemplate({}), quick_replies: quick(3) }],
    ],
    [
      'media, suggestions and header',
      'a generic template',
      { ...MEDIA, ...three, ...HEADER },
      [generic({ title: 'Hat', image_url: URL, buttons: postbacks(3) })],
    ],
    [
      'media, more suggestions and header',
      'a generic template with quick replies',
      { ...MEDIA, ...many, ...HEADER },
      [{ ...generic({ title: 'Hat', image_url: URL }), quick_replies: quick(4) }],
    ],
    ['text', 'a text message', TEXT, [{ text: 'Brown felt' }]],
    ['text and header', 'a generic template', { ...TEXT, ...HEADER }, [generic(CARD)]],
    [
      'text and suggestions',
      'a text message with quick replies',
      { ...TEXT, ...three },
      [{ text: 'Brown felt', quick_replies: quick(3) }],
    ],
    [
      'text, suggestions and header',
      'a generic template',
      { ...TEXT, ...three, ...HEADER },
      [generic({ ...CARD, buttons: postbacks(3) })],
    ],
    [
      'text, more suggestions and header',
      'a generic template with quick replies',
      { ...TEXT, ...many, ...HEADER },
      [{ ...generic(CARD), quick_replies: quick(4) }],
    ],
    ['text and media', 'the text, then the media', { ...TEXT, ...MEDIA }, [{ text: 'Brown felt' }, IMAGE]],
    [
      'text, media and header',
      'a generic template',
      { ...TEXT, ...MEDIA, ...HEADER },
      [generic({ ...CARD, image_url: URL })],
    ],
    // Not supported there; here the text goes first, as beside any media.
    [
      'text, media and suggestions',
      'the text, then media with quick replies',
      { ...TEXT, ...MEDIA, ...three },
      [{ text: 'Brown felt' }, { ...mediaTemplate({}), quick_replies: quick(3) }],
    ],
    [
      'all',
      'a generic template',
      { ...TEXT, ...MEDIA, ...three, ...HEADER },
      [generic({ ...CARD, image_url: URL, buttons: postbacks(3) })],
    ],
    [
      'all, and more suggestions',
      'a generic template with quick replies',
      { ...TEXT, ...MEDIA, ...many, ...HEADER },
      [{ ...generic({ ...CARD, image_url: URL }), quick_replies: quick(4) }],
    ],
  ])('%s: %s', (_inputs, _output, card_message, messages) => {
    expect(said({ card_message })).toEqual(messages);
  });

  test('nothing: a clear error', () => {
    expect(() => said({ card_message: {} })).toThrow(DomainError);
    expect(() => said({ card_message: { title: ' ', description: '', choices: [] } })).toThrow(
      'the card is empty',
    );
  });

  test('suggestions alone: products are a product template, others a question of their titles', () => {
    const items = ['1', '2'].map((id) => ({ product: { id, marketplace: 'FACEBOOK' } }));
    expect(said({ list_message: { title: '', sections: [{ items }] } })).toEqual([
      template({ template_type: 'product', elements: [{ id: '1' }, { id: '2' }] }),
    ]);
    expect(said({ card_message: three })).toEqual([
      { text: 'Size 0 / Size 1 / Size 2', quick_replies: quick(3) },
    ]);
  });
});
