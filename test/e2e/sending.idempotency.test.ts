import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { startTestApp, type TestApp } from '../support/app.js';

import { connectPage, type TestPage } from '../support/messenger.js';
import { SEND, Sending } from '../support/sending.js';

describe('a send with an idempotency key', () => {
  let sending: Sending;
  let app: TestApp;
  let page: TestPage;

  beforeAll(async () => {
    app = await startTestApp();
    sending = new Sending(app);
  });
  beforeEach(async () => {
    page = await connectPage(app);
  });
  afterEach(() => sending.clearFaults());
  afterAll(() => app.stop());

  test('a retry gets the first answer and sends nothing', async () => {
    const psid = await sending.person(page);
    const key = { idempotencyKey: randomUUID() };
    const first = await sending.send(page, psid, 'only one', key);
    expect(await sending.send(page, psid, 'only one', key)).toBe(first);
    await sending.reaches(first, 'READ');
    expect(await sending.send(page, psid, 'only one', key)).toBe(first);
    const next = await sending.send(page, psid, 'next');
    await sending.reaches(next, 'READ');
    expect(await sending.seen(page, psid)).toEqual(['only one', 'next']);
  });

  test('another request is refused', async () => {
    const psid = await sending.person(page);
    const key = { idempotencyKey: randomUUID() };
    await sending.send(page, psid, 'this', key);
    const { errors } = await app.ask(SEND, { input: sending.inputOf(page, psid, 'that', key) });
    expect(errors?.[0]?.extensions.code).toBe('CONFLICT');
    expect(await sending.outbound(page, psid)).toHaveLength(1);
  });

  test('concurrent retries agree, and one of them sends', async () => {
    const psid = await sending.person(page);
    const keys = [randomUUID(), randomUUID(), randomUUID()];
    const ids = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        sending.send(page, psid, `key ${index % 3}`, { idempotencyKey: keys[index % 3] }),
      ),
    );
    expect(new Set(ids).size).toBe(3);
    for (const id of new Set(ids)) await sending.reaches(id, 'QUEUED_ON_CHANNEL');
    expect((await sending.seen(page, psid)).sort()).toEqual(['key 0', 'key 1', 'key 2']);
  });

  describe('and metadata that is merged', () => {
    const MANY = `mutation ($input: [SendMessageInput!]!) { sendMessages(input: $input) { messageId error { code } } }`;
    const merging = (
      metadata: Record<string, number | null>,
      more: object = {},
    ): Record<string, unknown> => ({
      conversationMetadata: Object.fromEntries(
        Object.entries(metadata).map(([name, length]) => [name, length && 'x'.repeat(length)]),
      ),
      conversationMetadataUpdateStrategy: 'MERGE_PATCH',
      ...more,
    });

    interface Result {
      messageId: string | null;
      error: { code: string } | null;
    }

    async function together(input: object[]): Promise<Result[]> {
      return (await app.graphql<{ sendMessages: Result[] }>(MANY, { input })).sendMessages;
    }

    test('a retry gets its answer when there is no room for it any more, and takes none from others', async () => {
      const psid = await sending.person(page);
      const first = merging({ a: 400 }, { idempotencyKey: randomUUID() });
      const id = await sending.send(page, psid, 'first', first);
      await sending.send(page, psid, 'full', merging({ a: null, b: 1_300 }));
      const results = await together([
        sending.inputOf(page, psid, 'first', first),
        sending.inputOf(page, psid, 'next', merging({ c: 500 })),
      ]);
      expect(results).toEqual([
        { messageId: id, error: null },
        { messageId: expect.any(String) as string, error: null },
      ]);
      await sending.send(page, psid, 'fuller', merging({ d: 150 }));
      expect(await sending.send(page, psid, 'first', first)).toBe(id);
    });

    test('what is refused has not used its key', async () => {
      const psid = await sending.person(page);
      await sending.send(page, psid, 'full', merging({ a: 1_900 }));
      const input = sending.inputOf(
        page,
        psid,
        'more',
        merging({ b: 200 }, { idempotencyKey: randomUUID() }),
      );
      const refused = { messageId: null, error: { code: 'BAD_USER_INPUT' } };
      expect(await together([input, input])).toEqual([refused, refused]);
      await sending.send(page, psid, 'room', merging({ a: null }));
      const [accepted] = await together([input]);
      expect(accepted).toEqual({ messageId: expect.any(String) as string, error: null });
      expect(await together([input])).toEqual([accepted]);
    });
  });

  test('a key means something else in another project', async () => {
    const psid = await sending.person(page);
    const idempotencyKey = randomUUID();
    const id = await sending.send(page, psid, 'mine', { idempotencyKey });
    await sending.query(
      `INSERT INTO projects (project_id, display_name) VALUES ('other', 'Other') ON CONFLICT DO NOTHING`,
    );
    await sending.query(
      `INSERT INTO idempotency_keys (project_id, key, request_hash, message_id, accepted_time) VALUES ('other', $1, 'x', 'y', now())`,
      [idempotencyKey],
    );
    expect(await sending.send(page, psid, 'mine', { idempotencyKey })).toBe(id);
  });
});
