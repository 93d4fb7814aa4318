import { Injectable } from '@nestjs/common';
import { badParam, GraphError, notFound } from './graph.error.js';
import type { QuickReply } from './judge/message.js';
import {
  type Accepted,
  anyText,
  boolean,
  integer,
  isObject,
  type JsonObject,
  list,
  number,
  object,
  oneOf,
  shape,
  text,
} from './judge/rules.js';
import { templateOf } from './judge/templates.js';
import { fromPerson } from './messenger.js';
import { type Page, Pages } from './pages.js';
import { newMid, type Thread, Threads, visibleReplies } from './threads.js';
import { type Delivery, Webhooks } from './webhooks.js';

const timestamp = integer(0, Number.MAX_SAFE_INTEGER);

/** What a person can do in the app. */
export const writing = shape(
  {},
  {
    page_id: anyText,
    text: text(20_000),
    attachments: list(1, 30, object),
    quick_reply: shape({ payload: anyText }, {}),
    postback: shape({ title: anyText, payload: anyText }, { referral: object }),
    sticker_id: anyText,
    location: shape({ lat: number(-90, 90), long: number(-180, 180) }, {}),
    reply_to: shape({ mid: anyText }, {}),
    referral: object,
    mid: anyText,
    timestamp,
    raw: object,
  },
);

export const person = shape(
  { psid: anyText },
  {
    page_id: anyText,
    first_name: text(100, 0),
    last_name: text(100, 0),
    locale: anyText,
    timezone: number(-24, 24),
    gender: anyText,
    phone: anyText,
    email: anyText,
    window: oneOf('auto', 'open', 'closed', 'expired'),
    last_message_at: timestamp,
    blocked: boolean,
  },
);

export const tapping = shape(
  {},
  { page_id: anyText, title: anyText, payload: anyText, content_type: anyText },
);

/** Events of a person that open or renew the window; reading does not. */
const windowOpeners = ['message', 'postback', 'referral', 'reaction'];

export interface Sent {
  message_id: string | null;
  delivered: Promise<Delivery>;
}

export interface Tapped extends Partial<Sent> {
  /** Where a web_url, phone_number or account_link button leads; such taps cause no event. */
  opened?: string;
}

interface Tappable {
  title: string | undefined;
  payload: string | undefined;
  tap: () => Tapped;
}

/** The Messenger app in the hand of the person. */
@Injectable()
export class Phone {
  constructor(
    private readonly pages: Pages,
    private readonly threads: Threads,
    private readonly webhooks: Webhooks,
  ) {}

  /** The page named, else the one that most recently got a callback. */
  page(id: string | undefined): Page {
    const page = id === undefined ? this.pages.latest() : this.pages.get(id);
    if (!page) throw new GraphError(badParam('The parameter page_id is required: no page has a callback'));
    return page;
  }

  /** The person's thread with the page named, else their latest one. */
  thread(psid: string, pageId: string | undefined): { page: Page; thread: Thread } {
    checkPsid(psid);
    const page = this.page(pageId ?? this.threads.of(psid)[0]?.pageId);
    return { page, thread: this.threads.open(page, psid) };
  }

  register(input: Accepted<typeof person>): Thread {
    checkPsid(input.psid);
    const { psid, page_id, window, last_message_at, blocked, ...profile } = input;
    const thread = this.threads.open(this.page(page_id), psid);
    thread.met = true;
    thread.profile = { ...thread.profile, ...profile };
    thread.window = window ?? thread.window;
    thread.wroteAt = last_message_at ?? thread.wroteAt;
    thread.blocked = blocked ?? thread.blocked;
    return thread;
  }

  write(psid: string, input: Accepted<typeof writing>, base: string): Sent {
    checkPsid(psid);
    const page = this.page(input.page_id);
    const thread = this.threads.open(page, psid);
    const { mid = newMid(), timestamp: at = Date.now() } = input;
    const envelope = { ...fromPerson(page, thread), timestamp: at };
    if (input.raw) {
      const { raw } = input;
      if (windowOpeners.some((key) => isObject(raw[key]))) this.wrote(thread, at);
      if (isObject(raw.message) && typeof raw.message.mid === 'string') {
        this.remember(thread, raw.message.mid, at, raw.message);
      }
      return { message_id: null, delivered: this.webhooks.post(page, { ...envelope, ...raw }) };
    }
    const content = contentOf(input, base);
    if (input.postback) return this.event(page, thread, mid, at, 'postback', { ...input.postback });
    if (Object.keys(content).length > 0) return this.event(page, thread, mid, at, 'message', content);
    if (!input.referral) {
      throw new GraphError(
        badParam('One of text, attachments, postback, sticker_id, location, referral or raw is required'),
      );
    }
    this.wrote(thread, at);
    const delivered = this.webhooks.post(page, { ...envelope, referral: input.referral });
    return { message_id: null, delivered };
  }

  /** Taps a visible quick reply, else the newest button with this title or payload. */
  tap(psid: string, wanted: Accepted<typeof tapping>): Tapped {
    const { page, thread } = this.thread(psid, wanted.page_id);
    const tappables = [
      ...visibleReplies(thread).map((reply) => this.replyTap(page, thread, reply)),
      ...[...thread.messages.values()]
        .reverse()
        .flatMap(({ content }) => buttonsOf(content).map((button) => this.buttonTap(page, thread, button))),
    ];
    const found = tappables.find(
      ({ title, payload }) =>
        (wanted.title !== undefined && title === wanted.title) ||
        (wanted.payload !== undefined && payload === wanted.payload) ||
        (wanted.content_type !== undefined && title === wanted.content_type),
    );
    if (found) return found.tap();
    const titles = tappables.map(({ title }) => title).join(', ');
    throw notFound(`Nothing of that name to tap; visible are: ${titles}`);
  }

  /** What the person sees, oldest first. */
  view({ page, thread }: { page: Page; thread: Thread }): JsonObject {
    return {
      psid: thread.psid,
      page_id: page.id,
      page_name: page.name,
      profile: thread.profile,
      typing: thread.typingUntil > Date.now(),
      quick_replies: visibleReplies(thread),
      messages: [...thread.messages.values()].map((message) => ({
        mid: message.mid,
        from: message.from,
        timestamp: message.timestamp,
        text: message.content.text ?? message.content.title,
        message: message.content,
        buttons: buttonsOf(message.content),
        reply_to: message.replyTo,
        app_id: message.appId,
        persona_id: message.personaId,
        delivered: message.delivered,
        read: message.read,
        reactions: message.reactions,
      })),
    };
  }

  private event(
    page: Page,
    thread: Thread,
    mid: string,
    at: number,
    kind: 'message' | 'postback',
    content: JsonObject,
  ): Sent {
    this.wrote(thread, at);
    this.remember(thread, mid, at, content);
    const item = { ...fromPerson(page, thread), timestamp: at, [kind]: { mid, ...content } };
    return { message_id: mid, delivered: this.webhooks.post(page, item) };
  }

  private remember(thread: Thread, mid: string, at: number, content: JsonObject): void {
    const { reply_to: quoted } = content;
    this.threads.add(thread, {
      mid,
      from: 'person',
      timestamp: at,
      content,
      quickReplies: [],
      replyTo: isObject(quoted) && typeof quoted.mid === 'string' ? quoted.mid : undefined,
      delivered: true,
      read: false,
      reactions: {},
    });
  }

  /** Whatever a person does of their own opens the window. */
  private wrote(thread: Thread, at: number): void {
    thread.met = true;
    thread.window = 'auto';
    thread.wroteAt = Math.max(thread.wroteAt ?? 0, at);
  }

  private replyTap(page: Page, thread: Thread, reply: QuickReply): Tappable {
    const { phone = '+15550100', email = `${thread.psid}@example.com` } = thread.profile;
    const known = reply.content_type === 'user_phone_number' ? phone : email;
    const title = reply.content_type === 'text' ? reply.title : reply.content_type;
    const payload = reply.content_type === 'text' ? String(reply.payload ?? '') : known;
    const shown = reply.content_type === 'text' ? (reply.title ?? '') : known;
    const content = { text: shown, quick_reply: { payload } };
    return { title, payload, tap: () => this.event(page, thread, newMid(), Date.now(), 'message', content) };
  }

  private buttonTap(page: Page, thread: Thread, button: Button): Tappable {
    const { type, title = type, payload, url } = button;
    const tap = (): Tapped =>
      type === 'postback'
        ? this.event(page, thread, newMid(), Date.now(), 'postback', { title, payload })
        : { opened: url ?? (payload === undefined ? '' : `tel:${payload}`) };
    return { title, payload, tap };
  }
}

interface Button {
  type: string;
  title?: string;
  payload?: string;
  url?: string;
}

/** Every button of a message, those of cards and grid images included. */
function buttonsOf(content: JsonObject): Button[] {
  const template = templateOf(content) ?? {};
  const elements: unknown = template.elements;
  const parts = [template, ...(Array.isArray(elements) ? elements : [])] as {
    buttons?: Button[];
    images?: { action?: Button & { text?: string } }[];
  }[];
  return parts.flatMap(({ buttons = [], images = [] }) => [
    ...buttons,
    ...images.flatMap(({ action }) => (action ? [{ ...action, title: action.text }] : [])),
  ]);
}

/** The `message` of the webhook for what the person wrote. */
function contentOf(input: Accepted<typeof writing>, base: string): JsonObject {
  const { text: written, quick_reply, reply_to, referral, sticker_id: sticker, location } = input;
  const attachments: JsonObject[] = [...(input.attachments ?? [])];
  if (sticker !== undefined) {
    const payload = { url: `${base}/people/stickers/${encodeURIComponent(sticker)}`, sticker_id: sticker };
    attachments.push({ type: 'sticker', payload });
  }
  if (location) attachments.push({ type: 'location', payload: { coordinates: location } });
  if (written === undefined && attachments.length === 0) return {};
  return {
    ...(written === undefined ? {} : { text: written }),
    ...(attachments.length > 0 ? { attachments } : {}),
    ...(quick_reply ? { quick_reply } : {}),
    ...(reply_to ? { reply_to } : {}),
    ...(referral ? { referral } : {}),
  };
}

function checkPsid(psid: string): void {
  if (!/^\d{5,20}$/.test(psid)) throw new GraphError(badParam('Param psid must be 5 to 20 digits'));
}
