import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Attachments, type UploadedFile } from './attachments.js';
import { Conversations } from './conversations.js';
import { badParam, GraphError } from './graph.error.js';
import { upload } from './judge/attachments.js';
import { accept, anyText, isObject, type JsonObject, list, oneOf, shape, url } from './judge/rules.js';
import { type Callback, isAppToken, noSuchObject, type Page, Pages, sandboxAppId } from './pages.js';
import { type Persona, Personas } from './personas.js';
import { Send } from './send.js';
import { subscriptionFields } from './subscription.fields.js';
import { type Thread, Threads } from './threads.js';
import { Webhooks } from './webhooks.js';

/** One call of the Graph API, whatever its encoding was. */
export interface GraphCall {
  method: string;
  /** Without version: `["me", "messages"]`. */
  path: string[];
  token: string | undefined;
  /** Query and body together; JSON inside form fields is parsed. */
  params: JsonObject;
  file?: UploadedFile;
  base: string;
}

const app = {
  id: sandboxAppId,
  name: 'Sandbox app',
  category: 'Business',
  link: 'https://www.facebook.com/',
};

/** What the Graph API answers. Sources: Graph API reference; Messenger Platform reference. */
@Injectable()
export class Graph {
  private readonly edges: Record<string, (page: Page, call: GraphCall) => unknown> = {
    'POST messages': (page, call) => this.sending.send(page, call.params),
    'POST message_attachments': (page, call) => this.upload(page, call),
    'POST personas': (page, call) => this.personas.create(page, call.params),
    'GET conversations': (page, call) => this.conversations.list(page, call.params),
    'GET personas': (page, call) => this.personas.list(page, call.params),
    'POST subscribed_apps': (page, call) => this.subscribe(page, call),
    'GET subscribed_apps': (page) => this.subscribedApps(page),
    'DELETE subscribed_apps': (page) => {
      page.fields = new Set();
      return { success: true };
    },
  };

  constructor(
    private readonly pages: Pages,
    private readonly threads: Threads,
    private readonly attachments: Attachments,
    private readonly personas: Personas,
    private readonly sending: Send,
    private readonly webhooks: Webhooks,
    private readonly conversations: Conversations,
  ) {}

  /** @throws GraphError */
  async answer(call: GraphCall): Promise<unknown> {
    const [node = '', edge, ...rest] = call.path;
    const route = [call.method, ...call.path].join(' ');
    if (route === 'GET app') return this.app(call);
    if (route === 'GET debug_token') return this.debugToken(call);
    if (route === 'GET me accounts') return this.accounts(call);
    if (edge === undefined) {
      const persona = this.personas.find(node);
      if (persona) return this.persona(persona, call);
      if (call.method === 'GET') return this.node(node, call);
      throw noSuchObject(node);
    }
    const handle = rest.length === 0 ? this.edges[`${call.method} ${edge}`] : undefined;
    if (!handle) {
      throw new GraphError({
        code: 2500,
        message: `Unknown path components: /${[edge, ...rest].join('/')}`,
      });
    }
    const page = this.pages.authorize(call.token, node);
    checkProof(page, call);
    return handle(page, call);
  }

  private node(node: string, call: GraphCall): unknown {
    const thread = this.personOf(node, call);
    if (thread) return fields(profile(thread, call.base), call.params.fields, 'User', personDefaults);
    const page = this.pages.authorize(call.token, node);
    checkProof(page, call);
    const { id, name } = page;
    const shown = {
      id,
      name,
      category: 'Software',
      link: `https://www.facebook.com/${id}`,
      access_token: call.token,
    };
    return fields(shown, call.params.fields, 'Page', ['id', 'name']);
  }

  private persona({ id, name, profile_picture_url, pageId }: Persona & { pageId: string }, call: GraphCall) {
    checkProof(this.pages.authorize(call.token, pageId), call);
    if (call.method === 'DELETE') return this.personas.delete(id);
    if (call.method !== 'GET') throw noSuchObject(id);
    const shown = { name, profile_picture_url, id };
    return fields(shown, call.params.fields, 'Persona', Object.keys(shown));
  }

  /** A bare id is a page or a person: a person when a page of this token knows them, or when the fields say so. */
  private personOf(node: string, call: GraphCall): Thread | undefined {
    if (node === 'me' || this.pages.find(node)) return undefined;
    const pages = this.pages.pagesOf(call.token);
    const known = pages.flatMap((page) => this.threads.find(page, node) ?? []).at(0);
    if (known) return known.met || this.pages.isUserToken(call.token) ? known : undefined;
    const aboutPerson = /\b(first_name|last_name|profile_pic|locale|timezone|gender)\b/.test(
      String(call.params.fields),
    );
    if (!aboutPerson || pages[0]?.registered || !/^\d{5,20}$/.test(node)) return undefined;
    return this.threads.open(pages[0] ?? this.pages.authorize(call.token, 'me'), node);
  }

  private async subscribe(page: Page, { params, token }: GraphCall): Promise<unknown> {
    const wanted = accept(subscription, splitFields(params));
    const callback: Callback | undefined = wanted.sandbox_callback_url
      ? {
          url: wanted.sandbox_callback_url,
          verifyToken: wanted.sandbox_verify_token,
          state: wanted.sandbox_verify_token === undefined ? 'ready' : 'verifying',
        }
      : undefined;
    this.pages.change(page, { app_secret: wanted.sandbox_app_secret });
    this.pages.subscribe(page, wanted.subscribed_fields, callback, token);
    // Not before the answer: the service may be inside a request or transaction of its own.
    if (callback?.state === 'verifying') setImmediate(() => this.webhooks.verifyLater(page, callback));
    return { success: true };
  }

  private subscribedApps(page: Page): unknown {
    const subscribed = { ...app, id: page.appId, subscribed_fields: [...page.fields] };
    return { data: page.fields.size > 0 ? [subscribed] : [] };
  }

  private upload(page: Page, { params, file }: GraphCall): unknown {
    const { attachment } = accept(upload, params).message;
    if (file) return { attachment_id: this.attachments.saveFile(page, attachment.type, file) };
    if (attachment.payload?.url === undefined) {
      throw new GraphError(badParam('The parameter message[attachment][payload][url] is required'));
    }
    return { attachment_id: this.attachments.saveUrl(page, attachment.type, attachment.payload.url) };
  }

  /** A token that no page owns is taken for that of a person who manages every page of the sandbox. */
  private accounts({ token, params }: GraphCall): unknown {
    if (!this.pages.isUserToken(token)) {
      throw new GraphError(badParam('Tried accessing nonexisting field (accounts) on node type (Page)'));
    }
    const limit = Math.min(Math.max(Number(params.limit) || 25, 1), 500);
    const registered = this.pages.list().filter((page) => page.registered);
    const pages = registered.length > 0 ? registered : [this.pages.authorize(token, 'me')];
    const start = pages.findIndex((page) => page.id === params.after) + 1;
    const shown = pages.slice(start, start + limit);
    const [before, after] = [shown.at(0)?.id, shown.at(-1)?.id];
    return {
      data: shown.map((page) => ({
        access_token: page.token ?? token,
        category: 'Software',
        name: page.name,
        id: page.id,
        tasks: ['ADVERTISE', 'ANALYZE', 'CREATE_CONTENT', 'MESSAGING', 'MODERATE', 'MANAGE'],
      })),
      paging: { cursors: { before, after } },
    };
  }

  private app({ token, params }: GraphCall): unknown {
    const page = isAppToken(token) ? undefined : this.pages.pagesOf(token)[0];
    return fields({ ...app, id: page?.appId ?? app.id }, params.fields, 'Application', Object.keys(app));
  }

  private debugToken({ token, params }: GraphCall): unknown {
    if (!token) throw new GraphError({ code: 190, message: 'An access token is required.' }, 401);
    const { input_token: input } = accept(shape({ input_token: anyText }, {}, 'open'), params);
    const fault = this.pages.fault(input);
    const page = fault ? undefined : this.pages.authorize(input, 'me');
    const scopes = ['pages_show_list', 'pages_messaging', 'pages_manage_metadata'];
    return {
      data: {
        app_id: page?.appId ?? app.id,
        type: 'PAGE',
        application: app.name,
        is_valid: !fault,
        expires_at: 0,
        data_access_expires_at: 0,
        ...(page ? { profile_id: page.id } : {}),
        ...(fault ? { error: { code: 190, subcode: fault.refusal.subcode, message: fault.message } } : {}),
        scopes,
        granular_scopes: scopes.map((scope) => ({ scope, ...(page ? { target_ids: [page.id] } : {}) })),
      },
    };
  }
}

/** `sandbox_*` stand for what a developer enters in Meta's dashboard. */
const subscription = shape(
  { subscribed_fields: list(1, 100, oneOf(...subscriptionFields)) },
  { sandbox_callback_url: url(), sandbox_app_secret: anyText, sandbox_verify_token: anyText },
  'open',
);

function splitFields(params: JsonObject): JsonObject {
  const { subscribed_fields: names } = params;
  return typeof names === 'string'
    ? { ...params, subscribed_fields: names.split(',').filter(Boolean) }
    : params;
}

function checkProof(page: Page, { token, params }: GraphCall): void {
  const { appsecret_proof: proof } = params;
  if (proof === undefined) {
    if (!page.settings.require_appsecret_proof) return;
    throw new GraphError(badParam('API calls from the server require an appsecret_proof argument'));
  }
  if (page.appSecret === undefined) return;
  const expected = createHmac('sha256', page.appSecret)
    .update(token ?? '')
    .digest('hex');
  if (proof !== expected)
    throw new GraphError(badParam('Invalid appsecret_proof provided in the API argument'));
}

const personDefaults = ['first_name', 'last_name', 'profile_pic', 'id'];

function profile({ psid, profile: person }: Thread, base: string): JsonObject {
  const { first_name, last_name, locale, timezone, gender } = person;
  const name = `${first_name} ${last_name}`.trim();
  return {
    id: psid,
    name,
    first_name,
    last_name,
    profile_pic: `${base}/people/${psid}/picture`,
    locale,
    timezone,
    gender,
  };
}

/** Picks the asked fields of a node; `id` is always there. Expansions such as `a{b}` are cut to the field. */
function fields(node: JsonObject, asked: unknown, type: string, defaults: string[]): JsonObject {
  const names =
    typeof asked === 'string' && asked !== ''
      ? asked
          .replace(/\{[^}]*\}|\.\w+\([^)]*\)/g, '')
          .split(',')
          .map((name) => name.trim())
      : defaults;
  const unknown = names.find((name) => !Object.hasOwn(node, name));
  if (unknown !== undefined) {
    throw new GraphError(badParam(`Tried accessing nonexisting field (${unknown}) on node type (${type})`));
  }
  return Object.fromEntries(
    [...names, 'id'].flatMap((name) => (node[name] === undefined ? [] : [[name, node[name]]])),
  );
}

/** Sub-objects come as JSON text in forms and queries. */
export function parseParams(...sources: unknown[]): JsonObject {
  const params: JsonObject = Object.assign({}, ...sources.filter(isObject));
  for (const name of [
    'recipient',
    'message',
    'payload',
    'reply_to',
    'thread_control',
    'template',
    'subscribed_fields',
  ]) {
    const value = params[name];
    if (typeof value === 'string' && /^\s*[[{]/.test(value)) {
      try {
        params[name] = JSON.parse(value);
      } catch {
        throw new GraphError(badParam(`Param ${name} must be a JSON object`));
      }
    }
  }
  return params;
}
