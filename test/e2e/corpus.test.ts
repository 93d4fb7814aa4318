// Runs the shared corpus of real payloads, where it lies beside the checkout: `<repository>/../shared/fixtures`.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.js';
import { envelope, newPsid, postWebhook, textItem } from '../support/messenger.js';
import { type RecordedEvent, Records } from '../support/records.js';
import { expectedOutcomes, type Outcome, outcomeOfContent } from '../support/webhook-outcomes.js';

type Json = Record<string, unknown>;

interface Entry extends Json {
  id?: string | number;
  messaging?: Json[];
  standby?: Json[];
  changes?: Json[];
}

interface Payload {
  file: string;
  kind: string;
  /** As it is posted. */
  text: string;
  body: { object: string; entry: Entry[] };
  /** The page of its first entry. */
  pageId: string;
}

const FOLDER = join(import.meta.dirname, '../../../shared/fixtures/messenger-webhooks');
const SECRET = 'secret-of-the-corpus';
/** Stands for PAGE_ID and the like: a page id is digits. */
const SOME_PAGE = '70000000000000';

const payloads = existsSync(FOLDER) ? readCorpus() : [];
const kinds = [...new Set(payloads.map(({ kind }) => kind))];
const answered = kinds.filter((kind) => kind !== 'negative_unknown_object');
const TITLE = 'the shared corpus of real payloads';

describe.skipIf(payloads.length === 0)(
  payloads.length > 0 ? TITLE : `${TITLE} (skipped: there is none at ${FOLDER})`,
  () => {
    let app: TestApp;
    let records: Records;
    /** The app that has each payload's page to itself. */
    const apps = new Map<string, string>();
    let shared: string;

    beforeAll(async () => {
      app = await startTestApp();
      records = await Records.of(app.databaseUrl);
      shared = await connect(SOME_PAGE);
    });
    afterAll(async () => {
      await records.close();
      await app.stop();
    });

    async function connect(pageId: string): Promise<string> {
      const { createApp } = await app.graphql<{ createApp: { id: string } }>(
        `mutation { createApp(input: { displayName: "Corpus" }) { id } }`,
      );
      await app.graphql(`mutation ($input: ConnectChannelInput!) { connectChannel(input: $input) { id } }`, {
        input: {
          appId: createApp.id,
          channel: 'MESSENGER',
          token: `token-${createApp.id}`,
          callbackSecret: SECRET,
          pageId,
        },
      });
      return createApp.id;
    }

    const post = (appId: string, body: unknown): Promise<Response> =>
      postWebhook(app, { appId, appSecret: SECRET }, body);

    describe.each(answered)('%s', (kind) => {
      const samples = payloads.filter((payload) => payload.kind === kind);

      test('takes effect and loses nothing', async () => {
        for (const payload of samples) {
          const appId = await connect(payload.pageId);
          apps.set(payload.file, appId);
          const items = itemsOf(payload.body);
          for (const item of items) {
            const subject = messageBefore(payload.pageId, item);
            if (subject) expect((await post(appId, subject)).status).toBe(200);
          }
          const before = (await records.events(appId)).length;

          expect((await post(appId, payload.text)).status, payload.file).toBe(200);

          const events = (await records.events(appId)).slice(before);
          const outcomes = events.flatMap((event) => outcomeOf(event) ?? []);
          expect(outcomes.sort(), payload.file).toEqual(expectedOutcomes(payload, items.length));
          expectEverythingKept(payload, events);
        }
      });

      test('costs its neighbours nothing', async () => {
        const psid = newPsid();
        const written: string[] = [];
        const neighbour = (): unknown => {
          written.push(`${kind} ${written.length}`);
          return textItem(SOME_PAGE, psid, written.at(-1) as string);
        };
        const around = (entry: Entry): Entry => ({
          ...entry,
          id: SOME_PAGE,
          messaging: [neighbour() as Json, ...(entry.messaging ?? []), neighbour() as Json],
        });
        const entries = samples.flatMap(({ body }) => body.entry.map(around));
        const last = { id: SOME_PAGE, time: Date.now(), messaging: [neighbour()] };

        expect((await post(shared, { object: 'page', entry: [...entries, last] })).status).toBe(200);

        const texts = (await records.messages(shared))
          .filter(({ identity }) => identity === psid)
          .map(({ content }) => (content.text_message as Json).text);
        expect(texts).toEqual(written);
      });
    });

    test('posted again, every payload changes nothing', async () => {
      // Profiles are asked for and media fetched while payloads come in.
      await records.settled();
      const before = await records.fingerprint();
      for (const { file, text } of payloads.filter(({ file }) => apps.has(file)))
        expect((await post(apps.get(file) as string, text)).status).toBe(200);
      expect(apps.size).toBe(payloads.filter(({ kind }) => answered.includes(kind)).length);
      expect(await records.fingerprint()).toBe(before);
    });

    test('payloads for a page that the app does not own are recorded and told to nobody', async () => {
      const appId = await connect('99999');
      const foreign = payloads.filter(
        ({ kind, body }) => answered.includes(kind) && body.entry.every(({ id }) => id && String(id) !== '0'),
      );
      for (const { text } of [...foreign, ...foreign]) expect((await post(appId, text)).status).toBe(200);
      const events = await records.events(appId);
      expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(['channel.ignored']));
      const entries = foreign.flatMap(({ body }) =>
        body.entry.filter((entry) => itemsOf({ entry: [entry] }).length),
      );
      expect(new Set(events.map(({ payload }) => canonical(payload.raw)))).toEqual(
        new Set(entries.map(canonical)),
      );
      expect(await records.messages(appId)).toEqual([]);
    });

    test('truncated or signed with another secret, every payload is refused and nothing is stored', async () => {
      const before = await records.fingerprint();
      for (const { text } of payloads) {
        const cut = text.trimEnd().slice(0, -1 - (text.length % 40));
        expect((await post(shared, cut)).status).toBe(400);
        expect((await postWebhook(app, { appId: shared, appSecret: 'wrong' }, text)).status).toBe(401);
      }
      expect(await records.fingerprint()).toBe(before);
    });

    test('an object of another kind is refused and nothing is stored', async () => {
      const before = await records.fingerprint();
      for (const { text } of payloads.filter(({ kind }) => kind === 'negative_unknown_object'))
        expect((await post(shared, text)).status).toBe(400);
      expect(await records.fingerprint()).toBe(before);
    });
  },
);

function readCorpus(): Payload[] {
  const index = readFileSync(join(FOLDER, 'INDEX.jsonl'), 'utf8').trim().split('\n');
  return index.map((line) => {
    const { file, kind } = JSON.parse(line) as { file: string; kind: string };
    const original = readFileSync(join(FOLDER, file), 'utf8');
    const id = String((exactly(original) as Payload['body']).entry[0]?.id ?? SOME_PAGE);
    const known = /^\d+$/.test(id);
    const text = known ? original : original.replaceAll(JSON.stringify(id), JSON.stringify(SOME_PAGE));
    return { file, kind, text, body: exactly(text) as Payload['body'], pageId: known ? id : SOME_PAGE };
  });
}

/** JSON with numbers too long for JavaScript as strings. */
function exactly(text: string): unknown {
  return JSON.parse(text.replace(/([:[,]\s*)(-?\d{16,})(?=\s*[,\]}])/g, '$1"$2"'));
}

/** Each event of a payload, in the form in which it is told when nobody understands it. */
function itemsOf({ entry }: Pick<Payload['body'], 'entry'>): Json[] {
  return entry.flatMap(({ messaging = [], standby = [], changes = [] }) => [
    ...messaging,
    ...standby,
    ...changes,
  ]);
}

function outcomeOf({ kind, payload }: RecordedEvent): Outcome | null {
  const message = payload.message as Json | undefined;
  switch (kind) {
    case 'message.added': {
      if (message?.direction === 'TO_CONTACT') return `echo of ${String(message.sentBy)}` as Outcome;
      const [content] = Object.keys(message?.content as Json).filter((key) => key !== 'reply_to');
      return content as Outcome;
    }
    case 'message.updated':
      if (payload.status) return message?.status as Outcome;
      if (message?.deletedAt) return 'unsend';
      // A reaction is told by its event.
      return message?.editedAt ? 'edit' : null;
    case 'event.added':
      return outcomeOfContent((payload.event as Json).content as Json);
    case 'channel.unsupported':
      return 'unsupported';
    case 'channel.ignored':
      return 'ignored';
    default:
      return null;
  }
}

/** The message that a receipt, a reaction or a change is about; null where the item is about none. */
function messageBefore(pageId: string, item: Json): unknown {
  const { delivery, read, reaction, message_edit: edit, message } = item as Record<string, Json | undefined>;
  const { id } = (item.sender ?? {}) as { id?: unknown };
  const receipt = delivery ?? read;
  if (receipt ?? reaction) {
    const { mids, mid, watermark } = (receipt ?? reaction) as {
      mids?: string[];
      mid?: string;
      watermark?: unknown;
    };
    return envelope(pageId, {
      sender: { id: pageId },
      recipient: { id },
      timestamp: Number(watermark ?? item.timestamp) - 1,
      message: { mid: mids?.[0] ?? mid ?? 'm_before', text: 'Hello', is_echo: true },
    });
  }
  const mid = edit?.mid ?? (message?.is_deleted ? message.mid : undefined);
  if (typeof mid !== 'string') return null;
  return envelope(pageId, textItem(pageId, String(id), 'Hello', mid, Number(item.timestamp) - 1));
}

/** What was said is in what was stored, and what was not understood is there as it came. */
function expectEverythingKept({ file, body }: Payload, events: RecordedEvent[]): void {
  const raws = new Set(events.map(({ payload }) => canonical(payload.raw)));
  const stored = events
    .filter(({ kind }) => kind === 'message.added' || kind === 'event.added')
    .map(({ payload }) => JSON.stringify(payload.message ?? payload.event))
    .join('\n');
  for (const item of itemsOf(body)) {
    if (raws.has(canonical(item)) || item.delivery || item.read) continue;
    for (const said of sayings((item.value ?? item) as Json))
      expect(stored.replaceAll('\\\\', '\\'), file).toContain(inJson(said));
  }
}

/** Texts, payloads and addresses of a message. */
function sayings({ message, postback }: Json): string[] {
  const { is_echo, text, quick_reply, attachments } = (message ?? {}) as {
    is_echo?: boolean;
    text?: string;
    quick_reply?: { payload: string };
    attachments?: { url?: string; payload?: { url?: string } | null }[];
  };
  return [
    // The text of a quick reply is the title of its button; the business cannot give one.
    is_echo ? text : (quick_reply?.payload ?? text),
    (postback as { payload?: string } | undefined)?.payload,
    ...(attachments ?? []).map(({ url, payload }) => payload?.url ?? url),
  ].filter((said) => typeof said === 'string');
}

/** As part of a JSON text within a JSON text, escapes aside. */
function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1).replaceAll('\\\\', '\\');
}

/** Equal for equal JSON, whatever the order of keys and whether ids are numbers or strings. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'number') return String(part);
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
