// Content that no face takes.
import { calendar, PAGE, person, replies, times } from './content-said.js';

type Json = Record<string, unknown>;

export const choices = (...list: Json[]): Json => ({ choiceMessage: { choices: list } });
const carousel = (fields: Json): Json => ({ carouselMessage: { cards: [{ title: 'Hat' }], ...fields } });
const items = (...list: Json[]): Json => ({ listMessage: { title: 'Menu', sections: [{ items: list }] } });
const contact = (fields: Json): Json => ({ contactInfoMessage: { ...person, ...fields } });
const specific = (fields: Json): Json => ({
  channelSpecificMessage: [{ channel: 'MESSENGER', messageType: 'RECEIPT', message: {}, ...fields }],
});
const omni = (message: Json): Json => ({ explicitChannelOmniMessage: [{ channel: 'MESSENGER', message }] });
const dish = { choice: { title: 'Soup' } };
const hat = { product: { id: 'p1', marketplace: 'FACEBOOK' } };

export const REFUSED: [what: string, message: Json, fields: string[]][] = [
  ['no content beside empty overrides', { explicitChannelMessage: [] }, ['message: exactlyOne']],
  [
    'two contents beside an override',
    { textMessage: { text: 'a' }, cardMessage: { title: 'a' }, ...specific({}) },
    ['message: exactlyOne'],
  ],
  ['a card of nothing', { cardMessage: { title: ' ', choices: [] } }, ['message.cardMessage: atLeastOne']],
  [
    'a card with eleven choices',
    { cardMessage: { title: 'a', choices: replies(11) } },
    ['message.cardMessage.choices: arrayMaxSize'],
  ],
  [
    'a card with bad media',
    { cardMessage: { mediaMessage: { url: 'hat.png' } } },
    ['message.cardMessage.mediaMessage.url: isUrl'],
  ],
  [
    'a card with a choice of nothing',
    { cardMessage: { title: 'a', choices: [...replies(1), {}] } },
    ['message.cardMessage.choices[1]: exactlyOne'],
  ],
  [
    'a carousel of eleven cards',
    carousel({ cards: times(11, () => ({ title: 'a' })) }),
    ['message.carouselMessage.cards: arrayMaxSize'],
  ],
  [
    'a carousel with a card of nothing',
    carousel({ cards: [{ title: 'a' }, {}] }),
    ['message.carouselMessage.cards[1]: atLeastOne'],
  ],
  [
    'a carousel with a choice of two kinds on a card',
    carousel({
      cards: [
        { title: 'a', choices: [{ textMessage: { text: 'a' }, urlMessage: { title: 'a', url: PAGE } }] },
      ],
    }),
    ['message.carouselMessage.cards[0].choices[0]: exactlyOne'],
  ],
  [
    'a carousel with four choices under it',
    carousel({ choices: replies(4) }),
    ['message.carouselMessage.choices: arrayMaxSize'],
  ],
  [
    'a carousel with a persistent choice under it',
    carousel({ choices: [...replies(1), { textMessage: { text: 'a' }, displayMode: 'PERSISTENT' }] }),
    ['message.carouselMessage.choices[1].displayMode: notAllowed'],
  ],
  [
    'an event that ends before it begins',
    choices({ calendarMessage: { ...calendar, eventEnd: '2026-12-01T08:59:59.999Z' } }),
    ['message.choiceMessage.choices[0].calendarMessage.eventEnd: notBefore'],
  ],
  [
    'an event with a bad fallback',
    choices({ calendarMessage: { ...calendar, fallbackUrl: 'ftp://example.com' } }),
    ['message.choiceMessage.choices[0].calendarMessage.fallbackUrl: isUrl'],
  ],
  [
    'a question where with a blank label',
    choices({ shareLocationMessage: { title: ' ', fallbackUrl: PAGE } }),
    ['message.choiceMessage.choices[0].shareLocationMessage.title: matches'],
  ],
  [
    'a list with an entry of nothing',
    items(dish, {}),
    ['message.listMessage.sections[0].items[1]: exactlyOne'],
  ],
  [
    'a list with an entry of both kinds',
    items({ ...dish, ...hat }),
    ['message.listMessage.sections[0].items[0]: exactlyOne'],
  ],
  ['a list of both kinds', items(dish, hat), ['message.listMessage.sections[0].items: oneKind']],
  [
    'products without a catalogue',
    items(hat),
    ['message.listMessage.messageProperties.catalogId: isNotEmpty'],
  ],
  [
    'products with a bad currency and a negative price',
    items({ product: { ...hat.product, currency: 'Euro', itemPrice: -1 } }),
    [
      'message.listMessage.sections[0].items[0].product.currency: matches',
      'message.listMessage.sections[0].items[0].product.itemPrice: min',
    ],
  ],
  [
    'a list with a title that is too long',
    { listMessage: { title: 'x'.repeat(1_001), sections: [{ items: [dish] }] } },
    ['message.listMessage.title: maxLength'],
  ],
  [
    'a place beyond the poles',
    { locationMessage: { title: 'a', coordinates: { latitude: -90.1, longitude: 180.1 } } },
    [
      'message.locationMessage.coordinates.latitude: isLatitude',
      'message.locationMessage.coordinates.longitude: isLongitude',
    ],
  ],
  [
    'a phone number of letters',
    contact({ phoneNumbers: [...person.phoneNumbers, { phoneNumber: 'call me' }] }),
    ['message.contactInfoMessage.phoneNumbers[1].phoneNumber: matches'],
  ],
  [
    'a country of three letters',
    contact({ addresses: [{ countryCode: 'SWE' }] }),
    ['message.contactInfoMessage.addresses[0].countryCode: matches'],
  ],
  [
    'an e-mail address without an at',
    contact({ emailAddresses: [{ emailAddress: 'ann.example.com' }] }),
    ['message.contactInfoMessage.emailAddresses[0].emailAddress: isEmail'],
  ],
  [
    'a page that is none',
    contact({ urls: [{ url: 'javascript:alert(1)' }] }),
    ['message.contactInfoMessage.urls[0].url: isUrl'],
  ],
  [
    'a birthday that no calendar has',
    contact({ birthday: '2023-02-29' }),
    ['message.contactInfoMessage.birthday: isIso8601'],
  ],
  [
    'a birthday with a time',
    contact({ birthday: '2024-02-29T00:00:00Z' }),
    ['message.contactInfoMessage.birthday: matches'],
  ],
  ['a template message of no template', { templateMessage: {} }, ['message.templateMessage: atLeastOne']],
  [
    'a template with a value that is too long',
    {
      templateMessage: {
        omniTemplate: { templateId: 't', parameters: [{ key: 'a', value: 'x'.repeat(30_001) }] },
      },
    },
    ['message.templateMessage.omniTemplate.parameters[0].value: maxLength'],
  ],
  [
    'channel content of a type that is no name',
    specific({ messageType: 'RECEIPT; DROP' }),
    ['message.channelSpecificMessage[0].messageType: matches'],
  ],
  [
    'channel content that is too long',
    specific({ message: { a: 'x'.repeat(100_000) } }),
    ['message.channelSpecificMessage[0].message: maxLength'],
  ],
  [
    'channel content with a NUL',
    specific({ message: { deep: ['\0'] } }),
    ['message.channelSpecificMessage[0].message.deep[0]: text'],
  ],
  ['an override of nothing', omni({}), ['message.explicitChannelOmniMessage[0].message: exactlyOne']],
  [
    'an override of two kinds',
    omni({ textMessage: { text: 'a' }, templateReference: { templateId: 't' } }),
    ['message.explicitChannelOmniMessage[0].message: exactlyOne'],
  ],
  [
    'an override with a fault deep inside',
    omni(choices({ ...replies(1)[0], urlMessage: { title: 'a', url: PAGE } })),
    ['message.explicitChannelOmniMessage[0].message.choiceMessage.choices[0]: exactlyOne'],
  ],
  [
    'an answer to no message',
    { textMessage: { text: 'a' }, replyToMessageId: '' },
    ['message.replyToMessageId: matches'],
  ],
];

/** Maps cannot have a key twice, so that only GraphQL can be told so. */
export const TWICE: [field: string, message: Json][] = [
  [
    'explicitChannelMessage',
    { explicitChannelMessage: times(2, () => ({ channel: 'MESSENGER', payload: '{}' })) },
  ],
  [
    'channelSpecificMessage',
    { channelSpecificMessage: times(2, () => ({ channel: 'LINE', messageType: 'X', message: {} })) },
  ],
  [
    'explicitChannelOmniMessage',
    {
      explicitChannelOmniMessage: times(2, () => ({
        channel: 'SMS',
        message: { textMessage: { text: 'a' } },
      })),
    },
  ],
  [
    'templateMessage.channelTemplate',
    { templateMessage: { channelTemplate: times(2, () => ({ channel: 'SMS', templateId: 't' })) } },
  ],
  [
    'templateMessage.omniTemplate.parameters',
    {
      templateMessage: {
        omniTemplate: { templateId: 't', parameters: times(2, () => ({ key: 'a', value: 'b' })) },
      },
    },
  ],
];
