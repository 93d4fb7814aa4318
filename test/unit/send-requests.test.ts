// Runs the shared corpus of real Send API requests, where it lies beside the checkout: `<repository>/../shared/fixtures`.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { describe, expect, test } from 'vitest';
import type { ChannelPayload, SendOutcome } from '../../src/channels/channel.js';
import type { AppEvent } from '../../src/content/app-event.js';
import type { AppMessage, CardMessage, Choice } from '../../src/content/app-message.js';
import { DomainError } from '../../src/errors.js';
import { MediaKinds } from '../../src/messenger/assets/media-kinds.js';
import { PageAssets } from '../../src/messenger/assets/page-assets.js';
import { Preparation } from '../../src/messenger/assets/preparation.js';
import { GraphClient, type GraphSend } from '../../src/messenger/graph/graph.client.js';
import { MessengerChannel } from '../../src/messenger/messenger.channel.js';
import { transcode } from '../../src/messenger/transcode/transcode.js';
import { GuardedAgent } from '../../src/outbound/guarded-agent.js';

type Json = Record<string, unknown>;

/** How Parley is asked for a request, the plainest first. */
const WAYS = ['generic', 'channel-specific', 'event', 'passthrough'] as const;
type Way = (typeof WAYS)[number];

/** What stands beside a message when Parley is asked for it. */
interface Envelope {
  properties: Record<string, string>;
  quotes?: string;
}

interface Request {
  file: string;
  kind: string;
  body: Json;
}

const FOLDER = join(import.meta.dirname, '../../../shared/fixtures/send-requests');
const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

const requests = existsSync(FOLDER) ? readRequests() : [];
const TITLE = 'the shared corpus of real requests';

describe.skipIf(requests.length === 0)(
  requests.length > 0 ? TITLE : `${TITLE} (skipped: there is none at ${FOLDER})`,
  () => {
    test.each(requests)('$file can be sent', async ({ body }) => {
      expect(await wayOf(body)).not.toBeNull();
    });

    test('the table in the README says how', async () => {
      const table = tableOf(README);
      const found = await Promise.all(
        requests.map(async ({ kind, body }) => ({ kind, way: await wayOf(body) })),
      );
      for (const [kind, [plainest, ...others]] of table) {
        const ways = new Set(found.filter((one) => one.kind === kind).map(({ way }) => way));
        // What Meta has removed, and a placeholder instead of an address, can be passed through only.
        const told = [plainest, ...others, 'passthrough'];
        expect(
          [...ways].filter((way) => !told.includes(way ?? '')),
          kind,
        ).toEqual([]);
        if (ways.size > 0) expect(ways, kind).toContain(plainest);
      }
      expect(requests.filter(({ kind }) => !table.has(kind))).toEqual([]);
    });
  },
);

describe('how a request is asked for', () => {
  const send = (message: Json, beside: Json = {}): Json => ({ recipient: { id: '1' }, message, ...beside });
  const payload = (template_type: string, more: Json): Json => ({
    attachment: { type: 'template', payload: { template_type, ...more } },
  });
  const url = 'https://shop.example/a.png';
  test.each<[string, Json, Way]>([
    ['a text', send({ text: 'Hi' }, { messaging_type: 'UPDATE', notification_type: 'NO_PUSH' }), 'generic'],
    ['a quote', send({ text: 'Hi' }, { reply_to: { mid: 'm_1' } }), 'generic'],
    ['a persona', send({ text: 'Hi' }, { persona_id: '12' }), 'generic'],
    [
      'a saved image',
      send({ attachment: { type: 'image', payload: { attachment_id: '1' } } }),
      'channel-specific',
    ],
    [
      'an image to save',
      send({ attachment: { type: 'image', payload: { url, is_reusable: true } } }),
      'channel-specific',
    ],
    ['typing', { recipient: { id: '1' }, sender_action: 'typing_on' }, 'event'],
    ['a list of the past', send(payload('list', { elements: [{ title: 'A' }] })), 'passthrough'],
    [
      'handing the thread over',
      send({ text: 'Hi' }, { thread_control: { control_type: 'release' } }),
      'passthrough',
    ],
  ])('%s: %#', async (_what, body, way) => {
    expect(await wayOf(body)).toBe(way);
  });
});

function readRequests(): Request[] {
  const lines = readFileSync(join(FOLDER, 'INDEX.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => {
    const { file, kind } = JSON.parse(line) as { file: string; kind: string };
    return { file, kind, body: JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Json };
  });
}

/** Rows `| kinds | ways |` of the table about requests: which ways a kind is asked for by, the plainest first. */
function tableOf(markdown: string): Map<string, string[]> {
  const section = markdown.split(/^### Every request of the Send API$/m)[1]?.split(/^#/m)[0] ?? '';
  const rows = [...section.matchAll(/^\| (.+?) +\| (.+?) +\|$/gm)];
  return new Map(
    rows.flatMap(([, kinds = '', ways = '']) =>
      [...kinds.matchAll(/`(\w+)`/g)].map(
        ([, kind = '']) => [kind, ways.match(new RegExp(WAYS.join('|'), 'g')) ?? []] as const,
      ),
    ),
  );
}

/** The first way whose payload is the request; null when none is. */
async function wayOf(body: Json): Promise<Way | null> {
  for (const way of WAYS) {
    for (const payload of await payloadsOf(way, body)) if (same(payload, body)) return way;
  }
  return null;
}

/** Each: the payload of one attempt; none where Parley refuses, or says it in several. */
async function payloadsOf(way: Way, body: Json): Promise<ChannelPayload[]> {
  if (way === 'event') return eventPayloads(body);
  const { properties, quotes }: Envelope = way === 'passthrough' ? { properties: {} } : envelopeOf(body);
  return messagesOf(way, body).flatMap((message) => {
    try {
      const context = { messageId: '01JD0000000000000000000000', properties, quotes };
      const quoting = quotes === undefined ? {} : { reply_to: { message_id: '01JD0000000000000000000001' } };
      const { payloads } = transcode({ ...message, ...quoting }, context);
      return payloads.length === 1 ? payloads : [];
    } catch (error) {
      if (error instanceof DomainError) return [];
      throw error;
    }
  });
}

/** Whom it goes to is Parley's to say, like the metadata; RESPONSE is what Meta takes a missing type for. */
function same(payload: ChannelPayload, body: Json): boolean {
  try {
    expect(comparable(payload)).toEqual(comparable(body));
    return true;
  } catch {
    return false;
  }
}

function comparable({ recipient: _ours, message, ...rest }: Json): Json {
  const { metadata: _mark, ...said } = (message ?? {}) as Json;
  return {
    ...(rest.sender_action === undefined ? { messaging_type: 'RESPONSE', message: said } : {}),
    ...rest,
  };
}

function envelopeOf(body: Json): Envelope {
  const { messaging_type, tag, notification_type, persona_id, reply_to, recipient } = body;
  const { notification_messages_token: token } = recipient as Json;
  const given = {
    MESSENGER_MESSAGING_TYPE: messaging_type,
    MESSENGER_MESSAGE_TAG: tag,
    MESSENGER_NOTIFICATION_TYPE: notification_type,
    MESSENGER_PERSONA_ID: persona_id,
    MESSENGER_NOTIFICATION_MESSAGES_TOKEN: token,
  };
  const properties = Object.entries(given).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const { mid } = (reply_to ?? {}) as { mid?: string };
  return { properties: Object.fromEntries(properties), ...(mid === undefined ? {} : { quotes: mid }) };
}

function messagesOf(way: Way, body: Json): AppMessage[] {
  if (way === 'passthrough') {
    return [{ explicit_channel_message: { MESSENGER: JSON.stringify(body) } }];
  }
  const { metadata: _mark, ...message } = (body.message ?? {}) as Json;
  return way === 'generic' ? genericMessages(message) : specificMessages(message);
}

function genericMessages(message: Json): AppMessage[] {
  const {
    text,
    quick_replies: replies,
    attachment,
  } = message as { text?: string; quick_replies?: Json[]; attachment?: Json };
  const { type, payload = {} } = (attachment ?? {}) as { type?: string; payload?: Json };
  if (text !== undefined) {
    const choices = replies?.map(({ title, payload: data }) => ({
      text_message: { text: String(title) },
      postback_data: String(data),
    }));
    return [choices ? { choice_message: { text_message: { text }, choices } } : { text_message: { text } }];
  }
  if (typeof payload.url === 'string') return [{ media_message: { url: payload.url } }];
  if (type !== 'template') return [];
  const elements = (Array.isArray(payload.elements) ? payload.elements : []) as Json[];
  switch (payload.template_type) {
    case 'button': {
      const choices = (payload.buttons as Json[]).map(choiceOf);
      return [{ choice_message: { text_message: { text: payload.text as string }, choices } }];
    }
    case 'generic': {
      const cards = elements.map(cardOf);
      const [card] = cards;
      return card && cards.length === 1 ? [{ card_message: card }] : [{ carousel_message: { cards } }];
    }
    case 'product': {
      const items = elements.map(({ id }) => ({ product: { id: String(id), marketplace: 'FACEBOOK' } }));
      const properties = { catalog_id: '1' };
      return [{ list_message: { title: 'Products', sections: [{ items }], message_properties: properties } }];
    }
    default:
      return [];
  }
}

function cardOf({ title, subtitle, image_url, buttons }: Json): CardMessage {
  return {
    title: title as string,
    ...(typeof subtitle === 'string' ? { description: subtitle } : {}),
    ...(typeof image_url === 'string' ? { media_message: { url: image_url } } : {}),
    ...(Array.isArray(buttons) ? { choices: (buttons as Json[]).map(choiceOf) } : {}),
  };
}

function choiceOf(button: Json): Choice {
  const { type, title, url, payload } = button as Record<string, string>;
  if (type === 'web_url') return { url_message: { title: title ?? '', url: url ?? '' } };
  if (type === 'phone_number') return { call_message: { title: title ?? '', phone_number: payload ?? '' } };
  return { text_message: { text: title ?? '' }, postback_data: payload };
}

function specificMessages(message: Json): AppMessage[] {
  const { attachment, quick_replies: replies, template } = message;
  const { type, payload = {} } = (attachment ?? {}) as { type?: string; payload?: Json };
  const beside = replies === undefined ? {} : { quick_replies: replies };
  const of = (message_type: string, said: Json): AppMessage[] => [
    { channel_specific_message: { MESSENGER: { message_type, message: said } } },
  ];
  if (type === 'template') {
    const { template_type, ...rest } = payload;
    const name = String(template_type).toUpperCase();
    return of(name === 'NOTIFICATION_MESSAGES' ? name : `${name}_TEMPLATE`, { ...rest, ...beside });
  }
  if (type !== undefined) return of('ATTACHMENT', { type, ...payload, ...beside });
  if (template !== undefined) return of('UTILITY_TEMPLATE', template as Json);
  if ('attachments' in message) return of('ATTACHMENT', message);
  return of('sticker_id' in message ? 'STICKER' : 'TEXT', message);
}

class Recorder extends GraphClient {
  readonly sent: ChannelPayload[] = [];

  override send({ payload }: GraphSend): Promise<SendOutcome> {
    this.sent.push(payload);
    return Promise.resolve({ kind: 'accepted', channelMessageId: null });
  }
}

async function eventPayloads({ sender_action: action, payload }: Json): Promise<ChannelPayload[]> {
  const { message_id: mid, reaction } = (payload ?? {}) as { message_id?: string; reaction?: string };
  const message_id = '01JD0000000000000000000000';
  const events: Record<string, AppEvent | undefined> = {
    typing_on: { composing_event: {} },
    typing_off: { composing_end_event: {} },
    mark_seen: { read_message_event: {} },
    react: { reaction_event: { action: 'REACTION_ACTION_REACT', emoji: reaction, message_id } },
    unreact: { reaction_event: { action: 'REACTION_ACTION_UNREACT', message_id } },
  };
  const event = events[String(action)];
  if (!event) return [];
  const graph = new Recorder({ baseUrl: () => 'http://graph.invalid', version: 'v26.0' });
  const assets = new PageAssets(new DataSource({ type: 'postgres' }), graph);
  const kinds = new MediaKinds(new GuardedAgent({ allowPrivate: false }));
  await new MessengerChannel(graph, new Preparation(assets), kinds).sendEvent({
    credentials: { token: 't', callbackSecret: '', accountId: '1' },
    identity: '1',
    event,
    channelMessageId: mid,
    signal: new AbortController().signal,
  });
  return graph.sent;
}
