import { createHash, randomBytes, randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { GraphError, notFound } from './graph.error.js';
import { defaultSettings, type Settings } from './settings.js';

/** The app of every page that does not name another one. */
export const sandboxAppId = '190000000000042';

export interface FailedWebhook {
  at: string;
  field: string | undefined;
  attempts: number;
  reason: string;
  body: string;
}

export interface Callback {
  url: string;
  verifyToken?: string;
  /** Events wait while it is `verifying`, and are dropped once it is `refused`. */
  state: 'verifying' | 'ready' | 'refused';
  error?: string;
}

export interface Page {
  id: string;
  name: string;
  /** Registered by hand: only its own token opens it and only people it has met exist. */
  registered: boolean;
  token?: string;
  appId: string;
  /** Without it webhooks go out unsigned. */
  appSecret?: string;
  callback?: Callback;
  fields: Set<string>;
  subscribedAt: number;
  settings: Settings;
  failedWebhooks: FailedWebhook[];
  /** Comments and posts that were answered privately. */
  answered: LRUCache<string, true>;
}

interface Token {
  /** The registered page whose token this is. */
  owner?: string;
  /** The page that `me` stands for. */
  me?: string;
  /** Every page it was used with; several only for tokens that nobody registered. */
  pages: Set<string>;
  revoked?: GraphError;
}

export interface PageChanges {
  name?: string;
  token?: string;
  app_id?: string;
  app_secret?: string;
  settings?: Partial<Settings>;
}

const sessionErrors: Record<number, string> = {
  458: 'The user has not authorized the application.',
  459: 'The user is enrolled in a blocking, logged-in checkpoint.',
  460: 'The session has been invalidated because the user changed their password.',
  463: 'Session has expired.',
  464: 'The user is not a confirmed user.',
  467: 'The session is invalid because the user logged out.',
  492: 'The user must be an administrator, editor, or moderator of the page.',
};

/** Pages and the tokens that open them. */
@Injectable()
export class Pages {
  private readonly tokens = new LRUCache<string, Token>({ max: 5_000 });
  private readonly pages = new LRUCache<string, Page>({
    max: 1_000,
    dispose: (page) => page.token !== undefined && this.tokens.delete(page.token),
  });
  private subscriptions = 0;

  /** In the order of their ids, so that paging is steady. */
  list(): Page[] {
    return [...this.pages.values()].sort((a, b) => Number(a.id) - Number(b.id));
  }

  find(id: string): Page | undefined {
    return this.pages.get(id);
  }

  get(id: string): Page {
    const page = this.find(id);
    if (!page) throw notFound(`No page ${id} in the sandbox`);
    return page;
  }

  /** The page that most recently got a callback. */
  latest(): Page | undefined {
    return this.list()
      .filter((page) => page.callback)
      .reduce<Page | undefined>((a, b) => (a && a.subscribedAt > b.subscribedAt ? a : b), undefined);
  }

  register(id: string | undefined, changes: PageChanges): Page {
    const page = this.find(id ?? '') ?? this.create(id ?? String(randomInt(1e14, 2.8e14)));
    page.registered = true;
    page.appSecret ??= randomBytes(16).toString('hex');
    return this.change(page, { token: page.token ?? `EAA${randomBytes(24).toString('hex')}`, ...changes });
  }

  /** A page that nobody registered, open to any token. */
  improvise(id: string): Page {
    return this.find(id) ?? this.create(id);
  }

  change(page: Page, changes: PageChanges): Page {
    if (changes.token !== undefined && changes.token !== page.token) {
      if (page.token !== undefined) this.invalidate(this.tokens.get(page.token), 460);
      this.tokens.set(changes.token, { owner: page.id, me: page.id, pages: new Set([page.id]) });
      page.token = changes.token;
      page.registered = true;
    }
    page.name = changes.name ?? page.name;
    page.appId = changes.app_id ?? page.appId;
    page.appSecret = changes.app_secret ?? page.appSecret;
    page.settings = { ...page.settings, ...changes.settings };
    return page;
  }

  /** Replaces the subscribed fields; with a token, `me` stands for this page from now on. */
  subscribe(page: Page, fields: Iterable<string>, callback?: Callback, token?: string): void {
    page.fields = new Set(fields);
    page.callback = callback ?? page.callback;
    page.subscribedAt = ++this.subscriptions;
    const known = token === undefined ? undefined : this.tokens.get(token);
    if (known) known.me = page.id;
  }

  /**
   * The page that a call is about, when its token may act for it.
   * @param node `me` or a page id
   * @throws GraphError 190 for a missing, revoked or wrong token, 100/33 for another page's token
   */
  authorize(token: string | undefined, node: string): Page {
    const known = this.checkToken(token);
    const id = node === 'me' ? (known.me ?? derivedId(token)) : node;
    const page = this.find(id);
    if (known.owner !== undefined && known.owner !== id) throw noSuchObject(id);
    if (page?.registered) {
      if (known.owner === id) return page;
      throw invalidToken('Cannot parse access token');
    }
    if (!/^\d{5,20}$/.test(id)) {
      throw new GraphError({
        code: 803,
        message: `(#803) Some of the aliases you requested do not exist: ${id}`,
      });
    }
    known.me ??= id;
    known.pages.add(id);
    return this.improvise(id);
  }

  /** The pages a token has been used with, without using it. */
  pagesOf(token: string | undefined): Page[] {
    return [...this.checkToken(token).pages].flatMap((id) => this.find(id) ?? []);
  }

  /** Which page a call will be about, without judging its token. */
  peek(token: string | undefined, [node = '', edge]: string[]): string | undefined {
    if (node === 'me') return this.tokens.get(token ?? '')?.me ?? derivedId(token);
    return edge === undefined ? this.find(node)?.id : node;
  }

  isUserToken(token: string | undefined): boolean {
    return this.checkToken(token).owner === undefined;
  }

  /** Why a token is no good, or nothing; for `debug_token`. */
  fault(token: string): GraphError | undefined {
    return this.tokens.get(token)?.revoked;
  }

  /** Kills every token that this page was used with. A token never seen before still opens an unregistered page. */
  revoke(page: Page, subcode: number): void {
    for (const token of this.tokens.values()) if (token.pages.has(page.id)) this.invalidate(token, subcode);
  }

  restore(page: Page): void {
    for (const token of this.tokens.values()) if (token.pages.has(page.id)) token.revoked = undefined;
  }

  clear(): void {
    this.pages.clear();
    this.tokens.clear();
  }

  private create(id: string): Page {
    const page: Page = {
      id,
      name: `Sandbox page ${id}`,
      registered: false,
      appId: sandboxAppId,
      fields: new Set(),
      subscribedAt: 0,
      settings: defaultSettings,
      failedWebhooks: [],
      answered: new LRUCache({ max: 1_000 }),
    };
    this.pages.set(id, page);
    return page;
  }

  private checkToken(token: string | undefined): Token {
    if (!token) {
      throw new GraphError(
        { code: 190, message: 'An access token is required to request this resource.' },
        401,
      );
    }
    if (isAppToken(token)) throw invalidToken('This method must be called with a Page Access Token');
    const known = this.tokens.get(token) ?? { pages: new Set() };
    if (known.revoked) throw known.revoked;
    this.tokens.set(token, known);
    return known;
  }

  private invalidate(token: Token | undefined, subcode: number): void {
    if (!token) return;
    const why = sessionErrors[subcode] ?? 'The access token could not be decrypted';
    token.revoked = invalidToken(why, subcode);
  }
}

/** App id, vertical bar, app secret. */
export function isAppToken(token: string | undefined): boolean {
  return token !== undefined && /^\d+\|/.test(token);
}

function invalidToken(why: string, subcode?: number): GraphError {
  const status = subcode === undefined ? 401 : 400;
  return new GraphError({ code: 190, subcode, message: `Error validating access token: ${why}` }, status);
}

export function noSuchObject(id: string): GraphError {
  return new GraphError({
    code: 100,
    subcode: 33,
    message: `Unsupported request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation.`,
  });
}

/** The page id that an unregistered token stands for: 15 digits, the same for the same token. */
function derivedId(token: string | undefined): string {
  const digest = createHash('sha256')
    .update(token ?? '')
    .digest();
  return String(100_000_000_000_000n + (digest.readBigUInt64BE() % 100_000_000_000_000n));
}
