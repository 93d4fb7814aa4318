import { expect, test } from 'vitest';
import type { AppMessage, Choice } from '../../src/content/app-message.js';
import { withPostbackData } from '../../src/messages/postback-data.js';

const place = { title: 'Visit', coordinates: { latitude: 1, longitude: 2 } };
const event = {
  title: 'Save',
  event_start: '2026-12-01T09:00:00Z',
  event_end: '2026-12-01T10:00:00Z',
  event_title: 'Fitting',
  fallback_url: 'https://example.com/',
};
const EVERY_KIND: [Choice, string][] = [
  [{ text_message: { text: 'Small' } }, 'M_Small'],
  [{ url_message: { title: 'Open', url: 'https://example.com/' } }, 'M_Open'],
  [{ call_message: { title: 'Call', phone_number: '+46732000000' } }, 'M_Call'],
  [{ location_message: place }, 'M_Visit'],
  [{ calendar_message: event }, 'M_Save'],
  [{ share_location_message: { title: 'Where?', fallback_url: 'https://example.com/' } }, 'M_Where?'],
  [{ text_message: { text: 'Own' }, postback_data: 'own' }, 'own'],
  [{ text_message: { text: 'Empty' }, postback_data: '' }, ''],
];
const given = EVERY_KIND.map(([choice]) => choice);
const filled = EVERY_KIND.map(([choice, postback_data]) => ({ ...choice, postback_data }));

test.each<[what: string, message: AppMessage, expected: AppMessage]>([
  ['a question', { choice_message: { choices: given } }, { choice_message: { choices: filled } }],
  [
    'a card',
    { card_message: { title: 'a', choices: given } },
    { card_message: { title: 'a', choices: filled } },
  ],
  [
    'a carousel, on its cards and under them',
    { carousel_message: { cards: [{ title: 'a', choices: given }, { title: 'b' }], choices: given } },
    { carousel_message: { cards: [{ title: 'a', choices: filled }, { title: 'b' }], choices: filled } },
  ],
  [
    'a list',
    {
      list_message: {
        title: 'a',
        sections: [
          { items: [{ choice: { title: 'Soup' } }, { choice: { title: 'Cake', postback_data: 'own' } }] },
          { title: 'b', items: [{ product: { id: 'p', marketplace: 'FACEBOOK' } }] },
        ],
      },
    },
    {
      list_message: {
        title: 'a',
        sections: [
          {
            items: [
              { choice: { title: 'Soup', postback_data: 'M_Soup' } },
              { choice: { title: 'Cake', postback_data: 'own' } },
            ],
          },
          { title: 'b', items: [{ product: { id: 'p', marketplace: 'FACEBOOK' } }] },
        ],
      },
    },
  ],
  [
    'other content for one channel',
    {
      text_message: { text: 'a' },
      explicit_channel_omni_message: { SMS: { choice_message: { choices: given } } },
    },
    {
      text_message: { text: 'a' },
      explicit_channel_omni_message: { SMS: { choice_message: { choices: filled } } },
    },
  ],
  [
    'nothing where nothing can be picked',
    { carousel_message: { cards: [{ title: 'a' }] }, agent: { type: 'BOT' } },
    { carousel_message: { cards: [{ title: 'a' }] }, agent: { type: 'BOT' } },
  ],
])('postback data are filled in for %s', (_what, message, expected) => {
  expect(withPostbackData(message, 'M')).toEqual(expected);
});
