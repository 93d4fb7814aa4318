import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { type FieldTree, fieldTree } from './field-tree.js';
import { badParam, GraphError } from './graph.error.js';
import { isObject, type JsonObject } from './judge/rules.js';
import type { Page } from './pages.js';
import { type Thread, type ThreadMessage, Threads } from './threads.js';

/** Of older messages there are no details. */
const DETAILED = 20;
/** Calls in a second, for each page. */
const RATE = 2;

const CONVERSATION_FIELDS = [
  'id',
  'link',
  'updated_time',
  'message_count',
  'unread_count',
  'participants',
  'messages',
];
const MESSAGE_FIELDS = [
  ...['id', 'created_time', 'from', 'to', 'message', 'sticker', 'attachments', 'shares', 'reply_to', 'tags'],
];

/** What was said, as a page can read it afterwards. Source: messenger-platform/conversations. */
@Injectable()
export class Conversations {
  private readonly calls = new LRUCache<string, number[]>({ max: 1_000 });

  constructor(private readonly threads: Threads) {}

  /** @throws GraphError 613 over the rate, 100 for fields and cursors that do not exist */
  list(page: Page, params: JsonObject): unknown {
    this.count(page);
    const tree = treeOf(params.fields, CONVERSATION_FIELDS, 'UnifiedThread', ['id', 'updated_time']);
    const limit = Math.min(Math.max(Number(params.limit) || 25, 1), 500);
    const found = this.threads
      .list()
      .filter(({ pageId, psid, messages }) => pageId === page.id && messages.size > 0 && wanted(params, psid))
      .sort((a, b) => keyOf(b).localeCompare(keyOf(a)));
    const after = positionOf(params.after);
    const rest = after === undefined ? found : found.filter((thread) => keyOf(thread) < after);
    const shown = rest.slice(0, limit);
    const [first, last] = [shown.at(0), shown.at(-1)];
    if (!first || !last) return { data: [] };
    const cursors = { before: cursorOf(first), after: cursorOf(last) };
    const next =
      rest.length > limit
        ? { next: `https://graph.example/${page.id}/conversations?after=${cursors.after}` }
        : {};
    return {
      data: shown.map((thread) => conversation(page, thread, tree)),
      paging: { cursors, ...next },
    };
  }

  private count(page: Page): void {
    const now = Date.now();
    const recent = (this.calls.get(page.id) ?? []).filter((at) => at > now - 1_000);
    if (recent.length >= RATE) {
      throw new GraphError({
        code: 613,
        message: '(#613) Calls to this api have exceeded the rate limit.',
      });
    }
    this.calls.set(page.id, [...recent, now]);
  }
}

function wanted({ user_id: person, platform }: JsonObject, psid: string): boolean {
  return (platform ?? 'messenger') === 'messenger' && (person === undefined || person === psid);
}

/** Sorts by activity; of those at the same time each has a place of its own. */
function keyOf({ lastActivity, psid }: Thread): string {
  return `${String(lastActivity).padStart(16, '0')} ${psid}`;
}

function cursorOf(thread: Thread): string {
  return Buffer.from(keyOf(thread)).toString('base64url');
}

function positionOf(cursor: unknown): string | undefined {
  if (cursor === undefined) return undefined;
  const position = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : '';
  if (!/^\d{16} \d+$/.test(position)) throw new GraphError(badParam('Invalid cursors values were specified'));
  return position;
}

function treeOf(asked: unknown, known: string[], type: string, defaults: string[]): FieldTree {
  const given = typeof asked === 'string' && asked !== '' ? asked : defaults.join(',');
  const tree = fieldTree(given);
  if (!tree) throw new GraphError(badParam(`Syntax error in field expansion: ${given}`));
  return checked(tree, known, type);
}

function checked(tree: FieldTree, known: string[], type: string): FieldTree {
  const unknown = Object.keys(tree).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new GraphError(badParam(`Tried accessing nonexisting field (${unknown}) on node type (${type})`));
  }
  return tree;
}

function conversation(page: Page, thread: Thread, tree: FieldTree): JsonObject {
  const messages = [...thread.messages.values()].reverse().sort((a, b) => b.timestamp - a.timestamp);
  const all: JsonObject = {
    link: `/${page.id}/inbox/${thread.psid}/`,
    updated_time: time(thread.lastActivity),
    message_count: messages.length,
    unread_count: 0,
    participants: {
      data: [participant(thread), { name: page.name, email: `${page.id}@facebook.com`, id: page.id }],
    },
  };
  const { messages: wished, ...others } = tree;
  return {
    ...picked(all, Object.keys(others)),
    ...(wished ? { messages: messagesOf(page, thread, messages, wished) } : {}),
    id: `t_${page.id}${thread.psid}`,
  };
}

function messagesOf(
  page: Page,
  thread: Thread,
  messages: ThreadMessage[],
  { args, fields }: FieldTree[string],
): JsonObject {
  const names = Object.keys(fields).length > 0 ? Object.keys(fields) : ['id', 'created_time'];
  checked(fields, MESSAGE_FIELDS, 'UnifiedMessage');
  const limit = Math.min(Math.max(Number(args.limit) || 25, 1), DETAILED);
  return {
    data: messages.slice(0, limit).map((message) => ({
      ...picked(messageOf(page, thread, message), names),
      id: message.mid,
    })),
  };
}

function messageOf(page: Page, thread: Thread, message: ThreadMessage): JsonObject {
  const { content, replyTo } = message;
  const [person, us] = [
    participant(thread),
    { name: page.name, email: `${page.id}@facebook.com`, id: page.id },
  ];
  const ours = message.from === 'page';
  const attachments = attachmentsOf(content).map((attachment, index) =>
    file(attachment, `${message.mid}_${index}`),
  );
  return {
    created_time: time(message.timestamp),
    from: ours ? us : person,
    to: { data: [ours ? person : us] },
    message: typeof content.text === 'string' ? content.text : '',
    ...(attachments.length > 0 ? { attachments: { data: attachments } } : {}),
    ...(replyTo === undefined ? {} : { reply_to: { mid: replyTo } }),
  };
}

function attachmentsOf({ attachment, attachments }: JsonObject): JsonObject[] {
  return [
    ...(isObject(attachment) ? [attachment] : []),
    ...(Array.isArray(attachments) ? attachments.filter(isObject) : []),
  ];
}

/** An attachment as it is read afterwards: each kind has its link elsewhere. */
function file({ type, payload }: JsonObject, id: string): JsonObject {
  const url = isObject(payload) ? payload.url : undefined;
  switch (type) {
    case 'image':
      return {
        id,
        mime_type: 'image/jpeg',
        name: 'image',
        size: 1,
        image_data: { url, preview_url: url, width: 1, height: 1 },
      };
    case 'video':
      return {
        id,
        mime_type: 'video/mp4',
        name: 'video.mp4',
        size: 1,
        video_data: { url, preview_url: url, width: 1, height: 1 },
      };
    case 'template':
      return { id, generic_template: payload };
    default:
      return {
        id,
        mime_type: type === 'audio' ? 'audio/mpeg' : 'application/octet-stream',
        name: 'file',
        size: 1,
        file_url: url,
      };
  }
}

function participant({ psid, profile }: Thread): JsonObject {
  const name = `${profile.first_name} ${profile.last_name}`.trim();
  return { name, email: `${psid}@facebook.com`, id: psid };
}

function picked(node: JsonObject, names: string[]): JsonObject {
  return Object.fromEntries(names.flatMap((name) => (node[name] === undefined ? [] : [[name, node[name]]])));
}

/** Whole seconds, as Graph has them. */
function time(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}+0000`;
}
