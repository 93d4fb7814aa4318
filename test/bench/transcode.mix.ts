import type { AppMessage, CardMessage, Choice } from '../../src/content/app-message.js';

const IMAGE = 'https://shop.example/images/hat.jpg';
const reply: Choice = { text_message: { text: 'Tell me more' }, postback_data: 'more' };
const link: Choice = { url_message: { title: 'To the shop', url: 'https://shop.example/hats' } };
const call: Choice = { call_message: { title: 'Call us', phone_number: '+46732000000' } };
const place: Choice = {
  location_message: {
    title: 'Where to find the shop in town',
    label: 'Main Street 1',
    coordinates: { latitude: 55.610479, longitude: 13.002873 },
  },
};
const card = (choices: Choice[]): CardMessage => ({
  title: 'Brown hat',
  description: 'Felt, for rain and shine',
  media_message: { url: IMAGE },
  choices,
});
const coordinates = { latitude: 55.610479, longitude: 13.002873 };

/** One of each kind of generic content as people send them, and the kinds that have to be split and cut. */
export const MIX: readonly AppMessage[] = [
  { text_message: { text: 'Your order 1234 left our house today and will be with you on Friday.' } },
  { text_message: { text: 'Dein Paket ist unterwegs 📦 – viele Grüße aus Malmö!' } },
  { text_message: { text: 'A sentence of a long story that does not fit in one message. '.repeat(40) } },
  { media_message: { url: IMAGE } },
  { choice_message: { text_message: { text: 'Which one?' }, choices: [reply, reply, reply] } },
  { choice_message: { text_message: { text: 'What next?' }, choices: [reply, link, call, place] } },
  { card_message: card([reply, link]) },
  { card_message: { ...card([reply, link, call, place]), description: 'Soft 🧢 and warm. '.repeat(8) } },
  { carousel_message: { cards: [card([reply]), card([link]), card([call]), card([])], choices: [reply] } },
  { location_message: { title: 'Our shop', label: 'Main Street 1', coordinates } },
  {
    list_message: {
      title: 'Sizes',
      sections: [
        {
          title: 'Hats',
          items: ['S', 'M', 'L'].map((title) => ({ choice: { title, description: 'In stock' } })),
        },
      ],
    },
  },
  {
    contact_info_message: {
      name: { full_name: 'Ada Abe' },
      phone_numbers: [{ phone_number: '+46732000000' }],
    },
  },
];
