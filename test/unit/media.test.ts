import fc from 'fast-check';
import type { EntityManager } from 'typeorm';
import { describe, expect, test } from 'vitest';
import type { StoredEvent } from '../../src/events/event.js';
import type { EventLog, EventSink, Places } from '../../src/events/event-log.js';
import { newId } from '../../src/ids.js';
import { JobsService } from '../../src/jobs/jobs.service.js';
import { dispositionOf, nameOf } from '../../src/media/file-name.js';
import { MediaIntake } from '../../src/media/intake.js';
import { linkOf, newSecret, signatureIn } from '../../src/media/link.js';
import { mediaOf } from '../../src/media/media-of.js';
import { isShown, typeOf } from '../../src/media/media-type.js';

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex');
const MP4 = Buffer.from('0000001c66747970697336d0000000006d70343269736f6d', 'hex');
const MP4_ISOM = Buffer.from('000000186674797069736f6d0000020069736f6d6d703431', 'hex');

describe('media in content', () => {
  test('are found wherever the Conversation API has them, thumbnails included', () => {
    expect(mediaOf({ media_message: { url: 'https://a/1', thumbnail_url: 'https://a/2' } })).toEqual([
      { path: ['media_message', 'url'], url: 'https://a/1' },
      { path: ['media_message', 'thumbnail_url'], url: 'https://a/2' },
    ]);
    expect(mediaOf({ media_card_message: { url: 'https://a/3', caption: 'https://not/media' } })).toEqual([
      { path: ['media_card_message', 'url'], url: 'https://a/3' },
    ]);
    expect(
      mediaOf({ carousel_message: { cards: [{ title: 'A' }, { media_message: { url: 'https://a/4' } }] } }),
    ).toEqual([{ path: ['carousel_message', 'cards', '1', 'media_message', 'url'], url: 'https://a/4' }]);
  });

  test('are not found in texts, choices and what is no http address', () => {
    expect(mediaOf({ text_message: { text: 'https://a/1' } })).toEqual([]);
    expect(
      mediaOf({ choice_message: { choices: [{ url_message: { title: 'A', url: 'https://a' } }] } }),
    ).toEqual([]);
    expect(mediaOf({ media_message: { url: 'file:///etc/passwd' } })).toEqual([]);
    expect(mediaOf({ media_message: { url: 7 } })).toEqual([]);
  });

  test('of any JSON are found without a failure, each where its path says', () => {
    const key = fc.constantFrom('media_message', 'url', 'thumbnail_url', 'media', 'cards', 'text');
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom('https://a/1', 'http://b', 'text', null, 3),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (content) => {
        for (const { path, url } of mediaOf(content)) {
          const found = path.reduce<unknown>(
            (value, step) => (value as Record<string, unknown>)[step],
            content,
          );
          expect(found).toBe(url);
        }
      }),
    );
  });
});

describe('the intake', () => {
  const NOWHERE: Places = Promise.resolve(new Map());

  function sinkOf(): EventSink {
    let sink: EventSink | undefined;
    const log = { addSink: (given: EventSink) => (sink = given) } as unknown as EventLog;
    new MediaIntake(log, new JobsService()).onModuleInit();
    if (!sink) throw new Error('there is no sink');
    return sink;
  }

  function added(message: object): StoredEvent {
    return {
      projectId: 'p',
      appId: 'a',
      id: newId(),
      at: new Date(),
      kind: 'message.added',
      position: { xact: 1n, seq: 1n },
      payload: { message: { id: newId(), ...message }, conversation: {} },
    };
  }

  test('costs no statement where there are no media to keep, and one for any number of them', async () => {
    const statements: string[] = [];
    const tx = {
      query: (sql: string) => {
        statements.push(sql);
        return Promise.resolve([]);
      },
      dataSource: { manager: {} },
    } as unknown as EntityManager;
    const media = { media_message: { url: 'https://a/1' } };
    await sinkOf()(
      tx,
      [
        added({ sentBy: 'CONTACT', content: { text_message: { text: 'Hi' } } }),
        added({ sentBy: 'API', content: media }),
      ],
      NOWHERE,
    );
    expect(statements).toEqual([]);
    await sinkOf()(
      tx,
      Array.from({ length: 50 }, () => added({ sentBy: 'CONTACT', content: media })),
      NOWHERE,
    );
    expect(statements).toHaveLength(1);
  });
});

describe('the type', () => {
  test('is told by the first bytes, whatever the server says', async () => {
    expect(await typeOf(PNG, 'text/html')).toBe('image/png');
    expect(await typeOf(PNG, undefined)).toBe('image/png');
  });

  test('of HTML or SVG that pretends to be a picture is none that a browser shows', async () => {
    const html = Buffer.from('<!doctype html><script>alert(1)</script>');
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>');
    for (const bytes of [html, svg])
      for (const declared of ['image/png', 'video/mp4', 'audio/mpeg', 'nonsense', undefined])
        expect(isShown(await typeOf(bytes, declared)), `${declared}`).toBe(false);
    expect(await typeOf(html, 'image/png')).toBe('application/octet-stream');
    expect(isShown('image/svg+xml') || isShown('text/html') || isShown('application/pdf')).toBe(false);
  });

  test('is taken from the server where the container is the same, as with a voice message', async () => {
    expect(await typeOf(MP4_ISOM, 'audio/mp4')).toBe('audio/mp4');
    expect(await typeOf(MP4_ISOM, 'application/octet-stream')).toBe('video/mp4');
    expect(isShown(await typeOf(MP4, 'image/png'))).toBe(true);
    expect(await typeOf(MP4, 'image/png')).not.toBe('image/png');
  });

  test('is taken from the server where bytes cannot tell, and is never more than a type', async () => {
    expect(await typeOf(Buffer.from('a,b\n1,2'), 'Text/CSV; charset=utf-8')).toBe('text/csv');
    expect(await typeOf(Buffer.from('a'), 'text/plain\r\nx-evil: 1')).toBe('application/octet-stream');
  });
});

describe('the name', () => {
  test('comes from the server, else from the address', () => {
    expect(nameOf('https://a/b/photo.jpg?oh=1', undefined)).toBe('photo.jpg');
    expect(nameOf('https://a/b/x', 'attachment; filename="offer \\"1\\".pdf"')).toBe('offer "1".pdf');
    expect(nameOf('https://a/b/x', "attachment; filename=x.pdf; filename*=UTF-8''M%C3%A4rz.pdf")).toBe(
      'März.pdf',
    );
    expect(nameOf('https://a/', undefined)).toBe('media');
  });

  test('holds nothing that leads elsewhere or breaks a header', () => {
    expect(nameOf('https://a/..%2f..%2fetc%2fpasswd', undefined)).toBe('etcpasswd');
    expect(nameOf('https://a/x', 'attachment; filename="../../a\u202egpj.exe"')).toBe('agpj.exe');
    expect([...nameOf(`https://a/${'x'.repeat(500)}.jpg`, undefined)]).toHaveLength(120);
    expect(nameOf(`https://a/${'x'.repeat(500)}.jpg`, undefined)).toMatch(/\.jpg$/);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const name = nameOf(`https://a/${encodeURIComponent(text.toWellFormed())}`, undefined);
        expect(dispositionOf('attachment', name)).toMatch(
          /^attachment; filename="[\x20-\x7e]*"; filename\*=UTF-8''[\x21-\x7e]*$/,
        );
      }),
    );
  });
});

test('a link tells project and secret again, and nothing else passes for one', () => {
  const secret = newSecret();
  const link = new URL(
    linkOf('https://chat.example', { projectId: 'p-1_a', id: newId(), name: 'März 1.pdf', secret }),
  );
  expect(decodeURIComponent(link.pathname.split('/').at(-1) ?? '')).toBe('März 1.pdf');
  expect(signatureIn(link.searchParams.get('s'))).toEqual({ projectId: 'p-1_a', secret });
  for (const other of [undefined, '', 'x', 'a.b.c', ['a.b'], '.x', 'p.'])
    expect(signatureIn(other)).toBeNull();
});
