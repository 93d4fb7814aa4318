// Damaged webhooks: whatever comes, no answer is a failure of ours and no good event beside it is lost.
// FUZZ_RUNS asks for more of them, FUZZ_SEED for others.
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { grpcClient, unary } from '../support/grpc.js';
import { connectPage, newPsid, postWebhook, sign, type TestPage, textItem } from '../support/messenger.js';
import { jsonText, mangled, mutated, pick, type Random, seeded } from '../support/mutate.js';
import { Records, type StoredMessage } from '../support/records.js';

type Json = Record<string, unknown>;

const RUNS = Number(process.env.FUZZ_RUNS ?? 3_000);
const SEED = Number(process.env.FUZZ_SEED ?? 7_061_771);
const ENTRIES_PER_REQUEST = 3;
const CONNECTIONS = 6;
const FIXTURES = join(import.meta.dirname, '../fixtures/messenger');
const PAGE_OF_FIXTURES = '390001112223334';
const PERSON_OF_FIXTURES = '7100200300400500';
const fixtures = readdirSync(FIXTURES).map((file) => readFileSync(join(FIXTURES, file), 'utf8'));

interface Callback {
  object: string;
  entry: Json[];
}

describe(`damaged webhooks (seed ${SEED})`, () => {
  let app: TestApp;
  let page: TestPage;
  let records: Records;
  const psid = newPsid();

  beforeAll(async () => {
    app = await startTestApp();
    page = await connectPage(app);
    records = await Records.of(app.databaseUrl);
  });
  afterAll(async () => {
    await records.close();
    await app.stop();
  });

  /** Does `work` for the numbers below `count`, on several connections at a time. */
  async function parallel(count: number, work: (run: number) => Promise<void>): Promise<void> {
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) await work(next++);
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  }

  /** A webhook to this page with message ids of its own, from one of some people. */
  function fixture(random: Random): string {
    const tag = Math.floor(random() * 1e9);
    return pick(random, fixtures)
      .replaceAll(PAGE_OF_FIXTURES, page.pageId)
      .replaceAll(PERSON_OF_FIXTURES, `${PERSON_OF_FIXTURES}${tag % 50}`)
      .replaceAll(/"(m_\w+)"/g, `"$1_${tag}"`);
  }

  /** Entries with damage, and good events of `psid` between them and, where there still is a list, within them. */
  function damagedCallback(random: Random, good: string[]): unknown {
    const neighbour = (): Json => {
      const mid = `m_good_${randomUUID()}`;
      good.push(mid);
      return textItem(page.pageId, psid, 'still here', mid) as Json;
    };
    const entries = Array.from({ length: ENTRIES_PER_REQUEST }, (): unknown => {
      const { entry } = JSON.parse(fixture(random)) as Callback;
      const damaged = mutated(random, entry[0]) as Json;
      if (typeof damaged !== 'object' || damaged === null || !Array.isArray(damaged.messaging))
        return damaged;
      const items = damaged.messaging as unknown[];
      // An entry of another page is ignored, whatever is in it.
      if (damaged.id !== page.pageId) return damaged;
      return { ...damaged, messaging: [neighbour(), ...items, neighbour()] };
    });
    const own = (): Json => ({ id: page.pageId, time: Date.now(), messaging: [neighbour()] });
    return { object: 'page', entry: [own(), ...entries, own()] };
  }

  test(
    'are answered with 200 and cost the good events beside them nothing',
    async () => {
      const good: string[] = [];
      await parallel(Math.ceil(RUNS / ENTRIES_PER_REQUEST), async (run) => {
        const body = jsonText(damagedCallback(seeded(SEED + run), good));
        const { status } = await postWebhook(app, page, body);
        expect(
          status,
          `FUZZ_SEED=${SEED + run} FUZZ_RUNS=${ENTRIES_PER_REQUEST}: ${body.slice(0, 2_000)}`,
        ).toBe(200);
      });
      const kept = new Set(
        (await records.messages(page.appId)).map(({ channelMessageId }) => channelMessageId),
      );
      expect(good.filter((mid) => !kept.has(mid))).toEqual([]);
      expect(good.length).toBeGreaterThan(RUNS / 2);
      // What the tables refuse is reported in our words, as a last resort; whatever was parsed must fit them.
      const refused = `SELECT payload FROM events WHERE kind = 'channel.unsupported' AND payload->'raw' ? 'channelMessageId'`;
      expect(await records.query(refused)).toEqual([]);
    },
    60_000 + RUNS * 100,
  );

  test(
    'leave only messages that every face can show',
    async () => {
      const stored = (await records.messages(page.appId)).filter(
        ({ channelMessageId }) => !channelMessageId?.startsWith('m_good_'),
      );
      expect(stored.length).toBeGreaterThan(RUNS / 20);
      const client = grpcClient(app.parley.grpc);
      await parallel(stored.length, async (index) => {
        const { id } = stored[index] as StoredMessage;
        const { authorization } = app;
        const message = await unary<object, { id?: string }>(
          client.getMessage.bind(client),
          { messageId: id },
          { authorization },
        );
        expect(message.id).toBe(id);
      });
      client.close();
      for (const ids of chunks(
        stored.map(({ id }) => id),
        50,
      )) {
        const fields = ids.map((id, index) => `m${index}: message(id: "${id}") { ...All }`).join(' ');
        const found = await app.graphql<Record<string, { id: string }>>(`{ ${fields} } ${ALL}`);
        expect(Object.values(found).map(({ id }) => id)).toEqual(ids);
      }
    },
    60_000 + RUNS * 50,
  );

  test('with bytes lost or added are taken or refused, never failed', async () => {
    await parallel(Math.ceil(RUNS / 5), async (run) => {
      const random = seeded(SEED - 1 - run);
      const bytes = mangled(random, fixture(random));
      const response = await fetch(`${app.url}/adapter/v1/${page.appId}/callback`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-hub-signature-256': sign(bytes, page.appSecret) },
        body: new Uint8Array(bytes),
      });
      expect([200, 400], `FUZZ_SEED=${SEED - run}: ${bytes.toString()}`).toContain(response.status);
    });
  });

  test('leave the service healthy', async () => {
    expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${app.url}/readyz`)).status).toBe(200);
  });
});

const ALL = `fragment All on Message { id direction status sentBy acceptTime metadata replyToMessageId
  reason { code description channelCode } channelIdentity { channel identity appId } conversation { id lastActivity } contact { id displayName }
  content { __typename ... on TextMessage { text } ... on MediaMessage { url thumbnailUrl filenameOverride } ... on MediaCardMessage { url caption }
    ... on LocationMessage { title label coordinates { latitude longitude } } ... on ChoiceResponseMessage { messageId postbackData }
    ... on FallbackMessage { rawMessage reason } ... on ExplicitChannelMessage { payloads } } }`;

function chunks<T>(items: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
