import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { QuickReply } from './judge/message.js';
import type { JsonObject } from './judge/rules.js';
import type { Page } from './pages.js';

const HOUR = 3_600_000;

export interface Profile {
  first_name: string;
  last_name: string;
  locale: string;
  timezone: number;
  gender?: string;
  phone?: string;
  email?: string;
}

/** What a thread holds: messages of both sides, and the person's taps on postback buttons. */
export interface ThreadMessage {
  mid: string;
  from: 'person' | 'page';
  /** Milliseconds, Meta's clock. */
  timestamp: number;
  /** As it was sent: a Send API `message`, or the `message` or `postback` of a webhook. */
  content: JsonObject;
  quickReplies: QuickReply[];
  appId?: string;
  personaId?: string;
  replyTo?: string;
  delivered: boolean;
  read: boolean;
  reactions: Partial<Record<'person' | 'page', string>>;
}

/** `auto` goes by the time of the person's last message; the others are switches for tests. */
export type Window = 'auto' | 'open' | 'closed' | 'expired';

/** A person as one page knows them: page-scoped ids belong to one page. */
export interface Thread {
  pageId: string;
  psid: string;
  profile: Profile;
  /** Registered by hand or has written, so that a registered page may write to them. */
  met: boolean;
  wroteAt?: number;
  window: Window;
  blocked: boolean;
  typingUntil: number;
  messages: Map<string, ThreadMessage>;
  lastActivity: number;
}

export function newMid(): string {
  return `m_${randomBytes(48).toString('base64url')}`;
}

/** People and what they and the pages wrote; the oldest are forgotten. */
@Injectable()
export class Threads {
  private readonly threads = new LRUCache<string, Thread>({
    max: 10_000,
    dispose: (thread) => {
      for (const mid of thread.messages.keys()) this.owners.delete(key(thread.pageId, mid));
    },
  });
  /** The thread of each message, so that the oldest message of all can leave its thread. */
  private readonly owners = new LRUCache<string, { thread: Thread; mid: string }>({
    max: 10_000,
    dispose: ({ thread, mid }) => thread.messages.delete(mid),
  });

  list(): Thread[] {
    return [...this.threads.values()];
  }

  find(page: Page, psid: string): Thread | undefined {
    return this.threads.get(key(page.id, psid));
  }

  /** The person's threads, the latest active first. */
  of(psid: string): Thread[] {
    return this.list()
      .filter((thread) => thread.psid === psid)
      .sort((a, b) => b.lastActivity - a.lastActivity);
  }

  open(page: Page, psid: string): Thread {
    const known = this.find(page, psid);
    if (known) return known;
    const thread: Thread = {
      pageId: page.id,
      psid,
      profile: profileOf(psid),
      met: false,
      window: 'auto',
      blocked: false,
      typingUntil: 0,
      messages: new Map(),
      lastActivity: Date.now(),
    };
    this.threads.set(key(page.id, psid), thread);
    return thread;
  }

  add(thread: Thread, message: ThreadMessage): void {
    // First the owner: replacing that of a repeated mid takes the old message away.
    this.owners.set(key(thread.pageId, message.mid), { thread, mid: message.mid });
    thread.messages.set(message.mid, message);
    thread.lastActivity = Date.now();
  }

  message(page: Page, mid: string): ThreadMessage | undefined {
    return this.owners.get(key(page.id, mid))?.thread.messages.get(mid);
  }

  clear(): void {
    this.threads.clear();
    this.owners.clear();
  }
}

function key(pageId: string, id: string): string {
  return `${pageId}/${id}`;
}

/** How long ago the person last wrote, in milliseconds; 0 for one who was never heard through the sandbox. */
export function silentFor({ window, wroteAt }: Thread, now: number): number {
  switch (window) {
    case 'open':
      return 0;
    case 'closed':
      return 25 * HOUR;
    case 'expired':
      return 8 * 24 * HOUR;
    case 'auto':
      return wroteAt === undefined ? 0 : now - wroteAt;
  }
}

/** The quick replies on the person's screen: those of the last message, until anybody writes again. */
export function visibleReplies(thread: Thread): QuickReply[] {
  return [...thread.messages.values()].at(-1)?.quickReplies ?? [];
}

const firstNames = ['Ada', 'Ben', 'Chiara', 'Dmitri', 'Elif', 'Farid', 'Grace', 'Hiro', 'Inés', 'Jonas'];
const lastNames = ['Abe', 'Berg', 'Costa', 'Dahl', 'Evans', 'Fischer', 'García', 'Holm', 'Ivanova', 'Jansen'];

/** A name for somebody nobody registered, the same for the same id. */
function profileOf(psid: string): Profile {
  const seed = [...psid].reduce((sum, digit) => (sum * 31 + digit.charCodeAt(0)) % 9_973, 7);
  return {
    first_name: firstNames[seed % firstNames.length] ?? 'Ada',
    last_name: lastNames[Math.floor(seed / 10) % lastNames.length] ?? 'Abe',
    locale: 'en_US',
    timezone: 0,
  };
}
