import { describe, expect, test } from 'vitest';
import type { AppMessage, Choice } from '../../src/content/app-message.js';
import { DomainError } from '../../src/errors.js';
import { transcode } from '../../src/messenger/transcode/transcode.js';

const MESSAGE_ID = '01JD0000000000000000000000';

function transcoded(
  message: AppMessage,
  properties: Record<string, string> = {},
): ReturnType<typeof transcode> {
  return transcode(message, { messageId: MESSAGE_ID, properties });
}

/** The `message` objects, each sent as RESPONSE. */
function messages(message: AppMessage): unknown[] {
  return transcoded(message).payloads.map(({ message: said, ...envelope }) => {
    expect(envelope).toEqual({ messaging_type: 'RESPONSE' });
    return said;
  });
}

function fields(message: AppMessage): string[] {
  return transcoded(message).notes.map(({ field }) => field);
}

function violation(message: AppMessage, properties: Record<string, string> = {}): unknown {
  try {
    transcoded(message, properties);
  } catch (error) {
    if (error instanceof DomainError) return { code: error.code, path: error.fields[0]?.path };
    throw error;
  }
  return null;
}

function refused(path: string): unknown {
  return { code: 'INVALID_ARGUMENT', path };
}

function replies(count: number, title = (index: number): string => `Choice ${index}`): Choice[] {
  return Array.from({ length: count }, (_, index) => ({ text_message: { text: title(index) } }));
}

function choice(choices: Choice[], text?: string): AppMessage {
  return { choice_message: { choices, ...(text === undefined ? {} : { text_message: { text } }) } };
}

const URL_CHOICE: Choice = { url_message: { title: 'Open', url: 'https://shop.example/' } };
const OPEN = { type: 'web_url', title: 'Open', url: 'https://shop.example/' };

function template(text: string, buttons: object[]): object {
  return { attachment: { type: 'template', payload: { template_type: 'button', text, buttons } } };
}

describe('text', () => {
  test('2,000 characters are one message, one more makes two', () => {
    expect(messages({ text_message: { text: 'x'.repeat(2000) } })).toEqual([{ text: 'x'.repeat(2000) }]);
    expect(messages({ text_message: { text: 'x'.repeat(2001) } })).toEqual([
      { text: 'x'.repeat(2000) },
      { text: 'x' },
    ]);
    expect(fields({ text_message: { text: 'x'.repeat(2001) } })).toEqual(['text_message.text']);
  });

  test('an emoji counts as the two units that it is and is never halved', () => {
    expect(messages({ text_message: { text: '🙂'.repeat(1001) } })).toEqual([
      { text: '🙂'.repeat(1000) },
      { text: '🙂' },
    ]);
  });

  test.each(['', ' \n\t'])('%j is refused', (text) => {
    expect(violation({ text_message: { text } })).toEqual(refused('message.textMessage.text'));
  });
});

describe('media', () => {
  test.each([
    ['https://a.example/cat.jpg', undefined, 'image'],
    ['https://a.example/CAT.JPEG?size=large.mp3#x', undefined, 'image'],
    ['https://a.example/cat.webp', undefined, 'image'],
    ['https://a.example/cat.mp4', undefined, 'video'],
    ['https://a.example/cat.mov', undefined, 'video'],
    ['https://a.example/cat.mp3', undefined, 'audio'],
    ['https://a.example/cat.ogg', undefined, 'audio'],
    ['https://a.example/cat.pdf', undefined, 'file'],
    ['https://a.example/cat', undefined, 'file'],
    ['https://jpg.example/', undefined, 'file'],
    ['https://a.example/1234', 'cat.png', 'image'],
    ['https://a.example/cat.jpg', 'cat.pdf', 'file'],
    ['https://a.example/cat.jpg', 'cat', 'image'],
  ])('%s with name %s is of type %s', (url, filename_override, type) => {
    const media = { url, ...(filename_override === undefined ? {} : { filename_override }) };
    expect(messages({ media_message: media })).toEqual([{ attachment: { type, payload: { url } } }]);
  });

  test('what Messenger does not show is noted', () => {
    const media_message = {
      url: 'https://a.example/a.mp4',
      thumbnail_url: 'https://a.example/a.png',
      filename_override: 'b.mp4',
    };
    expect(fields({ media_message })).toEqual([
      'media_message.thumbnail_url',
      'media_message.filename_override',
    ]);
  });

  test.each(['ftp://a.example/cat.jpg', 'cat.jpg', '', 'javascript:alert(1)', 'data:image/png;base64,AA'])(
    '%j is refused',
    (url) => {
      expect(violation({ media_message: { url } })).toEqual(refused('message.mediaMessage.url'));
    },
  );
});

describe('choices that are all texts', () => {
  test('13 are quick replies, 14 are postback buttons in templates of three', () => {
    expect(messages(choice(replies(13), 'Which?'))).toEqual([
      {
        text: 'Which?',
        quick_replies: Array.from({ length: 13 }, (_, index) => ({
          content_type: 'text',
          title: `Choice ${index}`,
          payload: `${MESSAGE_ID}_Choice ${index}`,
        })),
      },
    ]);
    const templates = messages(choice(replies(14), 'Which?'));
    const button = (index: number): object => ({
      type: 'postback',
      title: `Choice ${index}`,
      payload: `${MESSAGE_ID}_Choice ${index}`,
    });
    expect(templates).toHaveLength(5);
    expect(templates[0]).toEqual(template('Which?', [button(0), button(1), button(2)]));
    expect(templates[1]).toEqual(
      template('Choice 3 / Choice 4 / Choice 5', [button(3), button(4), button(5)]),
    );
    expect(templates[4]).toEqual(template('Choice 12 / Choice 13', [button(12), button(13)]));
    expect(fields(choice(replies(14), 'Which?'))).toEqual([
      'choice_message.choices',
      'choice_message.choices',
    ]);
  });

  test('the data that the core fills in come back', () => {
    const picked = { text_message: { text: 'Red' }, postback_data: 'red' };
    expect(messages(choice([picked], 'Which?'))).toEqual([
      { text: 'Which?', quick_replies: [{ content_type: 'text', title: 'Red', payload: 'red' }] },
    ]);
  });

  test('a title of 20 characters stays, one of 21 is cut and stands whole in the text', () => {
    expect(messages(choice([{ text_message: { text: 'x'.repeat(20) } }], 'Which?'))).toMatchObject([
      { text: 'Which?', quick_replies: [{ title: 'x'.repeat(20) }] },
    ]);
    const long = choice(
      [{ text_message: { text: 'x'.repeat(21) } }, { text_message: { text: 'No' } }],
      'Which?',
    );
    expect(messages(long)).toMatchObject([
      {
        text: `Which?\n\n• ${'x'.repeat(21)}`,
        quick_replies: [{ title: `${'x'.repeat(19)}…` }, { title: 'No' }],
      },
    ]);
    expect(fields(long)).toEqual(['choice_message.choices[0].text_message.text']);
  });

  test('titles that cutting made alike are numbered on the button and in the text', () => {
    const titles = ['The large one in bright red', 'The large one in bright blue', 'None'];
    expect(
      messages(
        choice(
          replies(3, (index) => titles[index] ?? ''),
          'Which?',
        ),
      ),
    ).toMatchObject([
      {
        text: 'Which?\n\n• 1. The large one in bright red\n• 2. The large one in bright blue',
        quick_replies: [
          { title: '1. The large one in…' },
          { title: '2. The large one in…' },
          { title: 'None' },
        ],
      },
    ]);
  });

  test('data of 1,000 characters stay, longer ones and empty ones become a reference', () => {
    const payloadOf = (postback_data: string): unknown =>
      messages(
        choice(
          [{ text_message: { text: 'No' } }, { text_message: { text: 'Red' }, postback_data }],
          'Which?',
        ),
      );
    expect(payloadOf('x'.repeat(1000))).toMatchObject([
      { quick_replies: [{}, { payload: 'x'.repeat(1000) }] },
    ]);
    expect(payloadOf('x'.repeat(1001))).toMatchObject([
      { quick_replies: [{}, { payload: `parley:${MESSAGE_ID}:1` }] },
    ]);
    expect(payloadOf('')).toMatchObject([{ quick_replies: [{}, { payload: `parley:${MESSAGE_ID}:1` }] }]);
  });

  test('a question of 2,001 characters is split, with the quick replies under the end', () => {
    const quick_replies = [{ content_type: 'text', title: 'No', payload: `${MESSAGE_ID}_No` }];
    const no = [{ text_message: { text: 'No' } }];
    expect(messages(choice(no, 'x'.repeat(2000)))).toEqual([{ text: 'x'.repeat(2000), quick_replies }]);
    expect(messages(choice(no, 'x'.repeat(2001)))).toEqual([
      { text: 'x'.repeat(2000) },
      { text: 'x', quick_replies },
    ]);
    expect(fields(choice(no, 'x'.repeat(2001)))).toEqual(['choice_message.text_message.text']);
  });

  test.each([undefined, '  '])('without a question (%j) the titles are the text', (text) => {
    expect(messages(choice(replies(2), text))).toMatchObject([{ text: 'Choice 0 / Choice 1' }]);
    expect(fields(choice(replies(2), text))).toEqual(['choice_message.text_message.text']);
  });
});

describe('choices with buttons', () => {
  test('three make one template, a fourth another one that says its title', () => {
    expect(messages(choice([URL_CHOICE, URL_CHOICE, URL_CHOICE], 'Where?'))).toEqual([
      template('Where?', [OPEN, OPEN, OPEN]),
    ]);
    const four = choice([URL_CHOICE, URL_CHOICE, URL_CHOICE, URL_CHOICE], 'Where?');
    expect(messages(four)).toEqual([template('Where?', [OPEN, OPEN, OPEN]), template('Open', [OPEN])]);
    expect(fields(four)).toEqual(['choice_message.choices']);
  });

  test('a question of 640 characters fits a template, the beginning of a longer one goes before', () => {
    expect(messages(choice([URL_CHOICE], 'x'.repeat(640)))).toEqual([template('x'.repeat(640), [OPEN])]);
    expect(messages(choice([URL_CHOICE], 'x'.repeat(641)))).toEqual([
      { text: 'x'.repeat(640) },
      template('x', [OPEN]),
    ]);
    const words = `${'x'.repeat(1500)} ${'y'.repeat(1500)} ${'z'.repeat(500)}`;
    expect(messages(choice([URL_CHOICE], words))).toEqual([
      { text: 'x'.repeat(1500) },
      { text: 'y'.repeat(1500) },
      template('z'.repeat(500), [OPEN]),
    ]);
  });

  test('without a question every template says its titles', () => {
    expect(messages(choice([URL_CHOICE]))).toEqual([template('Open', [OPEN])]);
  });

  test('a title is cut at 20 characters', () => {
    const long = { url_message: { title: 'y'.repeat(21), url: 'https://shop.example/' } };
    expect(messages(choice([long], 'Where?'))).toEqual([
      template(`Where?\n\n• ${'y'.repeat(21)}`, [{ ...OPEN, title: `${'y'.repeat(19)}…` }]),
    ]);
  });

  test.each([
    ['+46 (0)732-00.00/00', '+46732000000'],
    ['(0)732000000', null],
    ['46732000000', '+46732000000'],
    ['+46 732 00 00 00', '+46732000000'],
    ['+1 (202) 555–0123', '+12025550123'],
    ['0046732000000', '+46732000000'],
    ['1234567', '+1234567'],
    ['123456', null],
    ['123456789012345', '+123456789012345'],
    ['1234567890123456', null],
    ['0732000000', null],
    ['+46abc', null],
    ['', null],
  ])('the phone number %j becomes %j', (phone_number, payload) => {
    const message = choice([{ call_message: { title: 'Call', phone_number } }], 'Call us');
    if (payload === null) {
      expect(violation(message)).toEqual(refused('message.choiceMessage.choices[0].callMessage.phoneNumber'));
    } else {
      expect(messages(message)).toEqual([
        template('Call us', [{ type: 'phone_number', title: 'Call', payload }]),
      ]);
    }
  });

  test.each([
    [55.610479, 13.002873, '55.610479,13.002873'],
    [0, -0, '0,0'],
    [-33.8567844, 151.213108, '-33.8567844,151.213108'],
    [1e-9, -1.5e-6, '0,-0.0000015'],
  ])('the place %d, %d is a link to %s', (latitude, longitude, query) => {
    const location_message = { title: 'Here', coordinates: { latitude, longitude } };
    expect(messages(choice([{ location_message }], 'Where?'))).toEqual([
      template('Where?', [
        { type: 'web_url', title: 'Here', url: `https://www.google.com/maps/search/?api=1&query=${query}` },
      ]),
    ]);
  });

  test.each<[string, Choice[], string]>([
    ['no choice at all', [], ''],
    ['a choice of no kind', [{}], '[0]'],
    ['an empty title', [...replies(1), { text_message: { text: ' ' } }], '[1].textMessage.text'],
    [
      'an empty title of a link',
      [{ url_message: { title: '', url: 'https://a.example' } }],
      '[0].urlMessage.title',
    ],
    ['an address that is none', [{ url_message: { title: 'Open', url: 'shop' } }], '[0].urlMessage.url'],
    [
      'an address that is not of the web',
      [{ url_message: { title: 'Open', url: 'tel:+46' } }],
      '[0].urlMessage.url',
    ],
    [
      'a place nowhere',
      [{ location_message: { title: 'Here', coordinates: { latitude: NaN, longitude: 0 } } }],
      '[0].locationMessage.coordinates',
    ],
  ])('%s is refused', (_what, choices, path) => {
    expect(violation(choice(choices, 'Which?'))).toEqual(refused(`message.choiceMessage.choices${path}`));
  });
});

describe('channel properties', () => {
  const HELLO: AppMessage = { text_message: { text: 'Hej' } };
  const TYPE = 'MESSENGER_MESSAGING_TYPE';
  const TAG = 'MESSENGER_MESSAGE_TAG';
  const NOTIFICATION = 'MESSENGER_NOTIFICATION_TYPE';

  test.each<[Record<string, string>, object]>([
    [{}, { messaging_type: 'RESPONSE' }],
    [{ [TYPE]: 'UPDATE' }, { messaging_type: 'UPDATE' }],
    [{ [TYPE]: '', [TAG]: '' }, { messaging_type: 'RESPONSE' }],
    [{ [TAG]: 'HUMAN_AGENT' }, { messaging_type: 'MESSAGE_TAG', tag: 'HUMAN_AGENT' }],
    [
      { [TYPE]: 'MESSAGE_TAG', [TAG]: 'HUMAN_AGENT' },
      { messaging_type: 'MESSAGE_TAG', tag: 'HUMAN_AGENT' },
    ],
    [
      { [TYPE]: 'RESPONSE', [TAG]: 'HUMAN_AGENT' },
      { messaging_type: 'MESSAGE_TAG', tag: 'HUMAN_AGENT' },
    ],
    [{ [NOTIFICATION]: 'NO_PUSH' }, { messaging_type: 'RESPONSE', notification_type: 'NO_PUSH' }],
    [{ VIBER_SENDER_NAME: 'x' }, { messaging_type: 'RESPONSE' }],
  ])('%j goes out as %j', (properties, envelope) => {
    expect(transcoded(HELLO, properties).payloads).toEqual([{ ...envelope, message: { text: 'Hej' } }]);
  });

  test.each([
    [TYPE, { [TYPE]: 'PROMOTION' }],
    [TYPE, { [TYPE]: 'UTILITY' }],
    [TAG, { [TYPE]: 'MESSAGE_TAG' }],
    [NOTIFICATION, { [NOTIFICATION]: 'LOUD' }],
  ])('%s is refused in %j', (name, properties) => {
    expect(violation(HELLO, properties)).toEqual(refused(`channelProperties.${name}`));
  });

  test('a removed tag goes out when asked for, and the note says what to use', () => {
    const { payloads, notes } = transcoded(HELLO, { [TAG]: 'ACCOUNT_UPDATE' });
    expect(payloads).toMatchObject([{ tag: 'ACCOUNT_UPDATE' }]);
    expect(notes).toEqual([
      {
        field: `channel_properties.${TAG}`,
        rule: expect.stringMatching(/removed .*2026-04-27.*utility template/) as string,
        action: 'sent as asked',
      },
    ]);
  });

  test.each(['HUMAN', 'BOT', 'UNKNOWN_AGENT_TYPE'] as const)('no tag is added to what %s wrote', (type) => {
    expect(transcoded({ ...HELLO, agent: { type } })).toEqual({
      payloads: [{ messaging_type: 'RESPONSE', message: { text: 'Hej' } }],
      notes: [],
    });
  });

  test('every payload of a message has the tag that was asked for', () => {
    const { payloads } = transcoded({ text_message: { text: 'x'.repeat(4001) } }, { [TAG]: 'HUMAN_AGENT' });
    expect(payloads.map(({ messaging_type, tag }) => [messaging_type, tag])).toEqual(
      Array.from({ length: 3 }, () => ['MESSAGE_TAG', 'HUMAN_AGENT']),
    );
  });

  test('HUMAN_AGENT is not for bots', () => {
    const by = (type: 'BOT' | 'HUMAN'): AppMessage => ({ ...HELLO, agent: { type } });
    expect(violation(by('BOT'), { [TAG]: 'HUMAN_AGENT' })).toEqual(refused(`channelProperties.${TAG}`));
    expect(violation(by('HUMAN'), { [TAG]: 'HUMAN_AGENT' })).toBeNull();
    expect(violation(by('BOT'), { [TAG]: 'CUSTOMER_FEEDBACK' })).toBeNull();
  });
});

describe('explicit_channel_message', () => {
  const explicit = (value: unknown): AppMessage => ({
    explicit_channel_message: { MESSENGER: typeof value === 'string' ? value : JSON.stringify(value) },
  });

  test('a Send API body goes out as it is, less its recipient', () => {
    const body = { messaging_type: 'UPDATE', message: { text: 'Hej', quick_replies: [] }, persona_id: '1' };
    expect(transcoded(explicit({ recipient: { id: '1' }, ...body }))).toEqual({
      payloads: [body],
      notes: [],
    });
    expect(transcoded(explicit({ sender_action: 'typing_on' })).payloads).toEqual([
      { sender_action: 'typing_on' },
    ]);
    expect(transcoded(explicit({ message: { text: 'Hej' } })).payloads).toEqual([
      { message: { text: 'Hej' } },
    ]);
  });

  test('a message alone gets the rest', () => {
    const message = { attachment: { type: 'image', payload: { attachment_id: '1' } } };
    expect(transcoded(explicit(message)).payloads).toEqual([{ messaging_type: 'RESPONSE', message }]);
  });

  test('channel properties fill in what a body leaves open', () => {
    const asked = { MESSENGER_MESSAGE_TAG: 'HUMAN_AGENT' };
    expect(transcoded(explicit({ message: { text: 'Hej' } }), asked).payloads).toEqual([
      { messaging_type: 'MESSAGE_TAG', tag: 'HUMAN_AGENT', message: { text: 'Hej' } },
    ]);
    const own = { messaging_type: 'RESPONSE', message: { text: 'Hej' } };
    expect(transcoded(explicit(own), asked).payloads).toEqual([own]);
  });

  test('a body that says how it is sent still goes to whom and as whom the properties say', () => {
    const own = { messaging_type: 'UPDATE', message: { text: 'Hej' } };
    const properties = { MESSENGER_NOTIFICATION_MESSAGES_TOKEN: '345678', MESSENGER_PERSONA_ID: '17' };
    expect(transcoded(explicit({ recipient: { id: '1' }, ...own }), properties).payloads).toEqual([
      { ...own, persona_id: '17', recipient: { notification_messages_token: '345678' } },
    ]);
  });

  test('metadata of the caller are noted, for ours take their place', () => {
    expect(fields(explicit({ text: 'Hej', metadata: 'mine' }))).toEqual([
      'explicit_channel_message.MESSENGER',
    ]);
  });

  test('it wins over generic content, that of another channel does not', () => {
    const both = { ...explicit({ text: 'native' }), text_message: { text: 'generic' } };
    expect(transcoded(both).payloads).toMatchObject([{ message: { text: 'native' } }]);
    const other: AppMessage = {
      explicit_channel_message: { VIBER: '{}' },
      text_message: { text: 'generic' },
    };
    expect(transcoded(other).payloads).toMatchObject([{ message: { text: 'generic' } }]);
  });

  test.each(['', 'hello', '[]', '"x"', 'null', '{'])('%j is refused', (json) => {
    expect(violation(explicit(json))).toEqual(refused('message.explicitChannelMessage.MESSENGER'));
  });

  test('no content at all is refused', () => {
    expect(violation({})).toEqual(refused('message'));
  });
});
