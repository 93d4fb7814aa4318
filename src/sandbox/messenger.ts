import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { isObject, type JsonObject } from './judge/rules.js';
import type { Page } from './pages.js';
import { newMid, type Thread, type ThreadMessage, Threads } from './threads.js';
import { type Delivery, Webhooks } from './webhooks.js';

const TYPING_LASTS = 20_000;
/** The app id of messages that somebody types in the Page inbox. */
const PAGE_INBOX_APP_ID = '263902037430900';

export type NewMessage = Pick<ThreadMessage, 'content' | 'quickReplies' | 'appId' | 'personaId' | 'replyTo'>;

/** Plays Messenger for what a page sends: the thread, the echo, then the receipts. */
@Injectable()
export class Messenger implements OnModuleDestroy {
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(
    private readonly threads: Threads,
    private readonly webhooks: Webhooks,
  ) {}

  onModuleDestroy(): void {
    for (const timer of this.timers) clearTimeout(timer);
  }

  /** Puts a message of the page into the thread; resolves once the send may be answered. */
  async send(page: Page, thread: Thread, sent: NewMessage): Promise<ThreadMessage> {
    const message = this.store(thread, sent);
    const { settings } = page;
    if (settings.echo) {
      const echo = async () => this.webhooks.post(page, this.echo(page, thread, message));
      if (settings.echo_before_answer) await echo();
      else this.later(settings.echo_delay_ms, () => void echo());
    }
    this.receipts(page, thread, message);
    return message;
  }

  /** Somebody answers from the Page inbox: an echo of another app, without metadata. */
  async inbox(page: Page, thread: Thread, text: string): Promise<{ mid: string; delivered: Delivery }> {
    const message = this.store(thread, { content: { text }, quickReplies: [], appId: PAGE_INBOX_APP_ID });
    const delivered = await this.webhooks.post(page, this.echo(page, thread, message));
    this.receipts(page, thread, message);
    return { mid: message.mid, delivered };
  }

  act(thread: Thread, action: string, payload?: { message_id: string; reaction?: string }): void {
    switch (action) {
      case 'typing_on':
        thread.typingUntil = Date.now() + TYPING_LASTS;
        break;
      case 'typing_off':
        thread.typingUntil = 0;
        break;
      case 'mark_seen':
        for (const message of thread.messages.values()) if (message.from === 'person') message.read = true;
        break;
      case 'react':
      case 'unreact': {
        const message = thread.messages.get(payload?.message_id ?? '');
        if (message) message.reactions.page = action === 'react' ? payload?.reaction : undefined;
        break;
      }
    }
  }

  /** The person has read everything: a receipt by watermark. */
  async read(page: Page, thread: Thread): Promise<Delivery> {
    const watermark = Math.max(0, ...fromPage(thread).map((message) => message.timestamp));
    for (const message of fromPage(thread)) message.delivered = message.read = true;
    return this.webhooks.post(page, {
      ...fromPerson(page, thread),
      timestamp: Date.now(),
      read: { watermark },
    });
  }

  private store(thread: Thread, sent: NewMessage): ThreadMessage {
    const message: ThreadMessage = {
      ...sent,
      mid: newMid(),
      from: 'page',
      timestamp: Date.now(),
      delivered: false,
      read: false,
      reactions: {},
    };
    thread.typingUntil = 0;
    this.threads.add(thread, message);
    return message;
  }

  private receipts(page: Page, thread: Thread, message: ThreadMessage): void {
    const { settings } = page;
    const watermark = message.timestamp;
    if (settings.delivery) {
      this.later(settings.delivery_delay_ms, () => {
        message.delivered = true;
        const mids = settings.delivery_mids ? { mids: [message.mid] } : {};
        // Delivery receipts have no timestamp of their own.
        void this.webhooks.post(page, { ...fromPerson(page, thread), delivery: { ...mids, watermark } });
      });
    }
    if (settings.read) {
      this.later(settings.read_delay_ms, () => {
        message.delivered = message.read = true;
        void this.webhooks.post(page, {
          ...fromPerson(page, thread),
          timestamp: Date.now(),
          read: { watermark },
        });
      });
    }
  }

  private echo(page: Page, thread: Thread, message: ThreadMessage): JsonObject {
    const { content, appId, replyTo } = message;
    const quoted = replyTo === undefined ? undefined : thread.messages.get(replyTo);
    return {
      sender: { id: page.id },
      recipient: { id: thread.psid },
      timestamp: message.timestamp,
      message: {
        mid: message.mid,
        is_echo: true,
        ...(typeof content.text === 'string' && content.text !== '' ? { text: content.text } : {}),
        ...(appId === undefined ? {} : { app_id: Number(appId) }),
        ...(content.metadata === undefined ? {} : { metadata: content.metadata }),
        ...(replyTo === undefined
          ? {}
          : { reply_to: { mid: replyTo, is_self_reply: quoted?.from === 'page' } }),
        ...echoedAttachments(content),
      },
    };
  }

  private later(delay: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      action();
    }, delay);
    this.timers.add(timer);
  }
}

export function fromPerson(page: Page, thread: Thread): JsonObject {
  return { sender: { id: thread.psid }, recipient: { id: page.id } };
}

function fromPage(thread: Thread): ThreadMessage[] {
  return [...thread.messages.values()].filter((message) => message.from === 'page');
}

/** Attachments as an echo shows them: templates with a title beside the payload, saved media by numeric id. */
function echoedAttachments(content: JsonObject): { attachments?: unknown[] } {
  const { attachment, attachments, sticker_id: stickerId, template } = content;
  const sent = [
    ...(isObject(attachment) ? [attachment] : []),
    ...(Array.isArray(attachments) ? attachments : []),
  ];
  const echoed = sent.filter(isObject).map(({ type, payload }) => {
    if (!isObject(payload)) return { type, payload };
    if (type === 'template')
      return { title: titleOf(payload), url: null, type, payload: withNumericIds(payload) };
    const { is_reusable: _, ...rest } = payload;
    return { type, payload: withNumericIds(rest) };
  });
  if (stickerId !== undefined) echoed.push({ type: 'sticker', payload: { sticker_id: stickerId } });
  if (isObject(template)) echoed.push({ type: 'template', payload: template });
  return echoed.length > 0 ? { attachments: echoed } : {};
}

function titleOf({ title, text, elements }: JsonObject): string {
  const firstElement: unknown = Array.isArray(elements) ? elements[0] : undefined;
  const found = title ?? text ?? (isObject(firstElement) ? firstElement.title : undefined);
  return typeof found === 'string' ? found : '';
}

function withNumericIds(value: JsonObject): JsonObject {
  const { attachment_id: id, elements } = value;
  return {
    ...value,
    ...(id === undefined ? {} : { attachment_id: Number(id) }),
    ...(Array.isArray(elements)
      ? {
          elements: elements.map((element: unknown) =>
            isObject(element) ? withNumericIds(element) : element,
          ),
        }
      : {}),
  };
}
