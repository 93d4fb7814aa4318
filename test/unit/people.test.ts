import { describe, expect, test } from 'vitest';
import type { ChannelProfile } from '../../src/channels/channel.js';
import { languageOf } from '../../src/contacts/languages.js';
import { messagesIn } from '../../src/messenger/history/conversations.js';
import { profileIn } from '../../src/messenger/profile/profile.js';
import { completed } from '../../src/people/known.js';

const NOTHING: ChannelProfile = {
  ...{ name: null, firstName: null, lastName: null, pictureUrl: null, locale: null },
  ...{ timezone: null, gender: null },
};

describe('a profile', () => {
  test('has its name from the whole or from the parts, whichever Messenger gives', () => {
    expect(profileIn({ name: 'Ada Lovelace' }).name).toBe('Ada Lovelace');
    expect(profileIn({ first_name: 'Ada', last_name: 'Lovelace' }).name).toBe('Ada Lovelace');
    expect(profileIn({ first_name: 'Ada' }).name).toBe('Ada');
    expect(profileIn({ id: '1' })).toEqual(NOTHING);
    expect(profileIn('no object')).toEqual(NOTHING);
  });

  test('takes nothing that is too long, of another type or no address', () => {
    const hostile = profileIn({
      ...{ name: 'x'.repeat(10_000), first_name: 7, last_name: 'a\u0000b\u0007', gender: {} },
      ...{ profile_pic: 'javascript:alert(1)', locale: 'y'.repeat(99), timezone: 1e9 },
    });
    expect(hostile).toMatchObject({
      firstName: null,
      lastName: 'a b',
      pictureUrl: null,
      gender: null,
      timezone: null,
    });
    expect(hostile.name).toHaveLength(255);
    expect(hostile.locale).toHaveLength(20);
    expect(profileIn({ timezone: '5.5' }).timezone).toBe(5.5);
  });

  test('names a contact unless somebody else has, and follows when the person takes another name', () => {
    const profile = { ...NOTHING, name: 'Ada', locale: 'pt_BR' };
    const before = { ...NOTHING, name: 'Old', locale: 'en_US' };
    expect(completed({ displayName: '', language: 'UNSPECIFIED' }, { profile, before: null })).toEqual({
      displayName: 'Ada',
      language: 'PT_BR',
    });
    expect(completed({ displayName: 'Old', language: 'EN_US' }, { profile, before })).toEqual({
      displayName: 'Ada',
      language: 'PT_BR',
    });
    expect(completed({ displayName: 'Set', language: 'DE' }, { profile, before })).toEqual({
      displayName: 'Set',
      language: 'DE',
    });
  });
});

test.each([
  ['en_US', 'EN_US'],
  ['pt-br', 'PT_BR'],
  ['de_CH', 'DE'],
  ['es_LA', 'ES'],
  ['tl_PH', 'FIL'],
  ['nn_NO', 'NB'],
  ['xx_YY', 'UNSPECIFIED'],
  ['', 'UNSPECIFIED'],
])('the language of the locale %s is %s', (locale, language) => {
  expect(languageOf(locale)).toBe(language);
});

describe('a conversation read afterwards', () => {
  const page = '100';
  const person = '7654321';
  const sides = { participants: { data: [{ id: person }, { id: page }] } };
  const message = (id: string, from: string, more: object): object => ({
    id,
    created_time: '2026-01-05T10:00:01+0000',
    from: { id: from },
    to: { data: [{ id: from === page ? person : page }] },
    ...more,
  });

  test('is told as its webhooks would have told it, the oldest first', () => {
    const told = messagesIn(
      {
        ...sides,
        messages: {
          data: [
            message('m_3', page, { message: 'hello' }),
            message('m_2', person, {
              message: '',
              attachments: {
                data: [{ mime_type: 'image/jpeg', image_data: { url: 'https://cdn.example/a.jpg' } }],
              },
            }),
            message('m_1', person, { message: 'hi' }),
          ],
        },
      },
      page,
    );
    expect(told).toMatchObject([
      {
        kind: 'message',
        identity: person,
        channelMessageId: 'm_1',
        content: { text_message: { text: 'hi' } },
      },
      {
        kind: 'message',
        channelMessageId: 'm_2',
        content: { media_message: { url: 'https://cdn.example/a.jpg' } },
      },
      { kind: 'echo', identity: person, channelMessageId: 'm_3', origin: 'PAGE_INBOX' },
    ]);
    expect(told[0]?.at).toEqual(new Date('2026-01-05T10:00:01Z'));
  });

  test('lacks what Graph does not show, and survives any shape', () => {
    expect(
      messagesIn({ messages: { data: [message('m_1', person, {}), 7, null, { id: 'm_2' }] } }, page),
    ).toEqual([]);
    expect(messagesIn({ messages: 'none', participants: 3 }, page)).toEqual([]);
  });
});
