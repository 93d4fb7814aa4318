// The published examples of sends, with the payloads that Meta's rules make of them, written by hand.
// Sources: Sinch, CM.com and Sunshine Conversations, Messenger channel; the fourth vendor publishes no message.
import { describe, expect, test } from 'vitest';
import type { AppMessage, Choice } from '../../src/content/app-message.js';
import { transcode } from '../../src/messenger/transcode/transcode.js';

const MESSAGE_ID = '01JD0000000000000000000000';

function payloads(message: AppMessage, properties: Record<string, string> = {}): unknown[] {
  return transcode(message, { messageId: MESSAGE_ID, properties }).payloads;
}

/** The `message` objects, each sent as RESPONSE. */
function said(message: AppMessage): unknown[] {
  return payloads(message).map((payload) => {
    const { message: one, ...envelope } = payload as { message: unknown };
    expect(envelope).toEqual({ messaging_type: 'RESPONSE' });
    return one;
  });
}

const template = (payload: object): object => ({ attachment: { type: 'template', payload } });
const generic = (...elements: object[]): object => template({ template_type: 'generic', elements });
const buttons = (text: string, ...all: object[]): object =>
  template({ template_type: 'button', text, buttons: all });
const image = (url: string): object => ({ attachment: { type: 'image', payload: { url } } });
const postback = (title: string, payload: string): object => ({ type: 'postback', title, payload });
const reply = (title: string, payload: string): object => ({ content_type: 'text', title, payload });

describe('Sinch', () => {
  const HOST = 'https://1vxc0v12qhrm1e72gq1mmxkf-wpengine.netdna-ssl.com/wp-content/uploads';
  const LOGO = `${HOST}/2019/05/Sinch-logo-Events.png`;
  const MAP = 'https://www.google.com/maps/search/?api=1&query=55.610479,13.002873';
  const coordinates = { latitude: 55.610479, longitude: 13.002873 };
  const url: Choice = { url_message: { title: 'URL Choice Message:', url: 'https://www.sinch.com' } };
  const call: Choice = { call_message: { title: 'Call Choice Message:Q', phone_number: '46732000000' } };
  const location: Choice = {
    location_message: { title: 'Location Choice Message', label: 'Enriching Engagement', coordinates },
  };
  const suggested: Choice = { text_message: { text: 'Suggested Reply Text' } };
  const SUGGESTED = postback('Suggested Reply Text', `${MESSAGE_ID}_Suggested Reply Text`);
  const URL_BUTTON = { type: 'web_url', title: 'URL Choice Message:', url: 'https://www.sinch.com' };
  const CALL = { type: 'phone_number', title: 'Call Choice Message…', payload: '+46732000000' };
  const LOCATION = { type: 'web_url', title: 'Location Choice Mes…', url: MAP };

  test.each(['Text message from Sinch Conversation API.'])('a text: %s', (text) => {
    expect(payloads({ text_message: { text } })).toEqual([{ messaging_type: 'RESPONSE', message: { text } }]);
  });

  test('media', () => {
    const address = `${HOST}/2018/12/favicon.png`;
    expect(said({ media_message: { url: address } })).toEqual([image(address)]);
  });

  test('a choice of every kind', () => {
    const choice_message = {
      text_message: { text: 'What do you want to do?' },
      choices: [suggested, url, call, location],
    };
    expect(said({ choice_message })).toEqual([
      buttons('What do you want to do?\n\n• Call Choice Message:Q', SUGGESTED, URL_BUTTON, CALL),
      buttons('Location Choice Message (Enriching Engagement)', LOCATION),
    ]);
  });

  test('a card: what was cut before it, the fourth choice after it', () => {
    const card_message = {
      title: 'This is the card title',
      description: 'This is the card description',
      media_message: { url: LOGO },
      choices: [suggested, url, call, location],
    };
    expect(said({ card_message })).toEqual([
      { text: 'This is the card title\n• Call Choice Message:Q' },
      generic({
        title: 'This is the card title',
        subtitle: 'This is the card description',
        image_url: LOGO,
        buttons: [SUGGESTED, URL_BUTTON, CALL],
      }),
      buttons('Location Choice Message (Enriching Engagement)', LOCATION),
    ]);
  });

  test('a carousel: what was cut before it, then one template', () => {
    const card = (number: number, choices: Choice[]): object => ({
      title: `This is the card ${number} title`,
      description: `This is the card ${number} description`,
      media_message: { url: LOGO },
      choices,
    });
    const element = (number: number, ...all: object[]): object => ({
      title: `This is the card ${number} title`,
      subtitle: `This is the card ${number} description`,
      image_url: LOGO,
      buttons: all,
    });
    const text = (number: number): string => `Suggested Reply ${number} Text`;
    const three = [1, 2, 3].map((number): Choice => ({ text_message: { text: text(number) } }));
    const carousel_message = {
      cards: [card(1, three), card(2, [url]), card(3, [call]), card(4, [location])],
    };
    expect(said({ carousel_message })).toEqual([
      {
        text:
          'This is the card 1 title\n• Suggested Reply 1 Text\n• Suggested Reply 2 Text\n• Suggested Reply 3 Text\n\n' +
          'This is the card 3 title\n• Call Choice Message:Q\n\n' +
          'This is the card 4 title\n• Location Choice Message (Enriching Engagement)',
      },
      generic(
        element(
          1,
          ...[1, 2, 3].map((number) =>
            postback(`Suggested Reply ${number} T…`, `${MESSAGE_ID}_Suggested Reply ${number} Text`),
          ),
        ),
        element(2, URL_BUTTON),
        element(3, CALL),
        element(4, LOCATION),
      ),
    ]);
  });

  test('a location', () => {
    const location_message = { title: 'Location Message', label: 'Enriching Engagement', coordinates };
    expect(said({ location_message })).toEqual([
      buttons('Location Message\nEnriching Engagement', {
        type: 'web_url',
        title: 'Location Message',
        url: MAP,
      }),
    ]);
  });
});

describe('Sunshine Conversations', () => {
  const scores = Array.from({ length: 11 }, (_, score) => String(score));

  test('reply actions, 0 to 10, are quick replies', () => {
    const choices = scores.map((text): Choice => ({ text_message: { text }, postback_data: text }));
    expect(said({ choice_message: { text_message: { text: 'How likely?' }, choices } })).toEqual([
      { text: 'How likely?', quick_replies: scores.map((score) => reply(score, score)) },
    ]);
  });

  test('link actions past the third are not cut off, as they do, but stand in another template', () => {
    const link = (number: number): Choice => ({
      url_message: { title: `Page ${number}`, url: `https://a.example/${number}` },
    });
    const button = (number: number): object => ({
      type: 'web_url',
      title: `Page ${number}`,
      url: `https://a.example/${number}`,
    });
    const choices = [1, 2, 3, 4].map(link);
    expect(said({ choice_message: { text_message: { text: 'Read on' }, choices } })).toEqual([
      buttons('Read on', button(1), button(2), button(3)),
      buttons('Page 4', button(4)),
    ]);
  });

  test('a carousel holds ten items', () => {
    const cards = scores.map((score) => ({ title: score, description: `Item ${score}` }));
    const element = (score: string): object => ({ title: score, subtitle: `Item ${score}` });
    expect(said({ carousel_message: { cards: cards.slice(0, 10) } })).toEqual([
      generic(...scores.slice(0, 10).map(element)),
    ]);
    expect(said({ carousel_message: { cards } })).toEqual([
      generic(...scores.slice(0, 10).map(element)),
      generic(element('10')),
    ]);
  });

  const explicit = (body: object): AppMessage => ({
    text_message: { text: "Hey, are you still coming to tonight's event?" },
    explicit_channel_message: { MESSENGER: JSON.stringify(body) },
  });

  test('passthrough with a tag', () => {
    const body = {
      message: { text: 'See you at 7:00 tonight?', quick_replies: [reply('yes', 'yes'), reply('No', 'no')] },
      tag: 'CONFIRMED_EVENT_UPDATE',
    };
    expect(payloads(explicit(body))).toEqual([body]);
  });

  test('passthrough of a receipt; the reserved recipient is replaced', () => {
    const message = template({
      template_type: 'receipt',
      recipient_name: 'John',
      order_number: '111111111111',
      currency: 'USD',
      payment_method: 'Visa 2345',
      order_url: 'http://petersapparel.parseapp.com/order?order_id=123456',
      timestamp: '1428444852',
      address: {
        street_1: '1 Apple Highway',
        street_2: '',
        city: 'Mangle city',
        postal_code: '94025',
        state: 'CA',
        country: 'US',
      },
      summary: { subtotal: 75, shipping_cost: 4.95, total_tax: 6.19, total_cost: 56.14 },
      adjustments: [
        { name: 'New Customer Discount', amount: 20 },
        { name: '$10 Off Coupon', amount: 10 },
      ],
      elements: [
        {
          title: 'Fall Coat',
          subtitle: 'Soft and Luxurious',
          quantity: 2,
          price: 50,
          currency: 'USD',
          image_url: 'https://smooch.io/static_assets/images/shoplifter/double-breasted-coat.jpg',
        },
      ],
    });
    expect(payloads(explicit({ recipient: { id: 'somebody' }, message }))).toEqual([{ message }]);
  });
});

describe('CM.com', () => {
  const TABLET = 'https://www.cm.com/cdn/web/blog/featured/cm-tablet.jpg';
  const media_message = { url: TABLET, filename_override: 'cm-tablet.jpg' };

  test('plain text', () => {
    expect(said({ text_message: { text: 'CM.com - Be part of it.' } })).toEqual([
      { text: 'CM.com - Be part of it.' },
    ]);
  });

  test('text and image: the text goes first, as a message of its own', () => {
    expect(said({ card_message: { description: 'CM.com - Be part of it.', media_message } })).toEqual([
      { text: 'CM.com - Be part of it.' },
      image(TABLET),
    ]);
  });

  test('a rich card with buttons', () => {
    const card = {
      title: 'CM.com - Be part of it.',
      description: 'Want to know more about CM.com?',
      media_message,
      choices: [
        { text_message: { text: 'Give me more info' }, postback_data: 'INFO' },
        { url_message: { title: 'Visit CM.com', url: 'https://www.cm.com/' } },
      ],
    };
    expect(said({ carousel_message: { cards: [card] } })).toEqual([
      generic({
        title: 'CM.com - Be part of it.',
        subtitle: 'Want to know more about CM.com?',
        image_url: TABLET,
        buttons: [
          postback('Give me more info', 'INFO'),
          { type: 'web_url', title: 'Visit CM.com', url: 'https://www.cm.com/' },
        ],
      }),
    ]);
  });

  test('quick replies', () => {
    const offers = [
      ['Call me', 'CALL'],
      ['Email me', 'EMAIL'],
      ['Send me an sms', 'SMS'],
    ] as const;
    const choices = offers.map(([text, data]): Choice => ({ text_message: { text }, postback_data: data }));
    expect(
      said({ choice_message: { text_message: { text: 'Hi, what can I do for you?' }, choices } }),
    ).toEqual([
      {
        text: 'Hi, what can I do for you?',
        quick_replies: offers.map(([title, data]) => reply(title, data)),
      },
    ]);
  });

  test('products', () => {
    const ids = ['FB_tshirt_001', 'FB_tshirt_002', 'FB_tshirt_003'];
    const items = ids.map((id) => ({ product: { id, marketplace: 'FACEBOOK' } }));
    expect(said({ list_message: { title: '', sections: [{ items }] } })).toEqual([
      template({ template_type: 'product', elements: ids.map((id) => ({ id })) }),
    ]);
  });

  test('a tag that Meta has since removed goes out as asked, and the note says so', () => {
    const text = 'Dear customer, your order with id 1234xyz has been shipped.';
    const context = { messageId: MESSAGE_ID, properties: { MESSENGER_MESSAGE_TAG: 'POST_PURCHASE_UPDATE' } };
    const { payloads: sent, notes } = transcode({ text_message: { text } }, context);
    expect(sent).toEqual([{ messaging_type: 'MESSAGE_TAG', tag: 'POST_PURCHASE_UPDATE', message: { text } }]);
    expect(notes).toMatchObject([{ rule: expect.stringContaining('removed') as string }]);
  });
});
