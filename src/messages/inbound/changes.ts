import type { EntityManager } from 'typeorm';
import type { InboundEdit, InboundReaction, InboundUnsend } from '../../channels/channel.js';
import { ConversationGone } from '../../conversations/activity.js';
import type { Conversation } from '../../conversations/conversation.entity.js';
import { unreadOf } from '../../conversations/unread.js';
import { queryRows } from '../../database/rows.js';
import { type Changes, changed, changesOf, isSame, merge, UNCHANGED, UNSENT } from '../changes.js';
import type { Message } from '../message.entity.js';
import type { Sourced } from './batch.js';

export type InboundChange = Sourced<InboundReaction | InboundEdit | InboundUnsend>;

/** What names a message on its channel. */
export interface ChannelMessage {
  projectId: string;
  appId: string;
  channel: string;
  channelMessageId: string;
}

export function messageKey({ projectId, appId, channel, channelMessageId }: ChannelMessage): string {
  return `${projectId} ${appId} ${channel} ${channelMessageId}`;
}

/** Far more than any channel puts into one message. */
const MOST_CONTENTS = 1_000;

/**
 * What the channel calls one message may be several here: what it said first has the channel's id, the rest `id#1`, `id#2` and so on;
 * and of a message of ours each payload has one. The limits keep Postgres to its indexes, whatever it believes of how many there are.
 */
const FIND = `
  WITH n AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS n("projectId" text, "appId" text, channel text, "channelMessageId" text)
  )
  SELECT n.channel AS named_channel, n."channelMessageId" AS named, theirs.* FROM n CROSS JOIN LATERAL (
    SELECT m.* FROM messages m
    WHERE m.project_id = n."projectId" AND m.app_id = n."appId" AND m.channel = n.channel
      AND m.channel_message_id >= n."channelMessageId" AND m.channel_message_id < n."channelMessageId" || '$'
      AND (m.channel_message_id = n."channelMessageId" OR m.channel_message_id > n."channelMessageId" || '#')
    ORDER BY m.project_id, m.app_id, m.channel, m.channel_message_id LIMIT ${MOST_CONTENTS}
  ) theirs
  UNION ALL
  SELECT n.channel, n."channelMessageId", ours.* FROM n CROSS JOIN LATERAL (
    SELECT m.* FROM message_parts p JOIN messages m ON m.project_id = p.project_id AND m.id = p.message_id
    WHERE p.project_id = n."projectId" AND p.app_id = n."appId" AND p.channel = n.channel AND p.channel_message_id = n."channelMessageId"
    LIMIT 1
  ) ours`;

/** The messages that the channel's ids stand for, by `messageKey`, as far as they are here. */
export async function findMessages(
  tx: Pick<EntityManager, 'query'>,
  named: readonly ChannelMessage[],
): Promise<Map<string, Message[]>> {
  const found = new Map<string, Message[]>();
  const asked = new Map(
    named.map(({ projectId, appId, channel, channelMessageId }) => {
      const one = { projectId, appId, channel, channelMessageId };
      return [messageKey(one), one];
    }),
  );
  if (asked.size === 0) return found;
  const rows = await queryRows<Message & { namedChannel: string; named: string }>(tx, FIND, [
    JSON.stringify([...asked.values()]),
  ]);
  for (const { namedChannel, named, ...message } of rows) {
    const { projectId, appId } = message;
    const key = messageKey({ projectId, appId, channel: namedChannel, channelMessageId: named });
    found.set(key, [...(found.get(key) ?? []), message]);
  }
  for (const messages of found.values()) messages.sort((a, b) => (a.id < b.id ? -1 : 1));
  return found;
}

/** What befell the message that a channel's id names befell the others of that id only when all were taken back. */
export function shareOf(message: Message, channelMessageId: string, changes: Changes): Changes {
  const first = message.channelMessageId === null || message.channelMessageId === channelMessageId;
  return first ? changes : { ...UNCHANGED, deletedAt: changes.deletedAt };
}

/** One change as data. What came without a time counts from now. */
export function asChanges(change: InboundChange, now: Date): Changes {
  const at = (change.at ?? now).toISOString();
  switch (change.kind) {
    case 'reaction': {
      const { emoji = null, category = null } = change.reaction ?? {};
      return { ...UNCHANGED, reactions: [{ by: 'CONTACT', emoji, category, at }] };
    }
    case 'edit':
      return { ...UNCHANGED, edit: { text: change.text, revision: change.revision, at } };
    case 'unsend':
      return { ...UNCHANGED, deletedAt: at };
  }
}

const UPDATE = `
  UPDATE messages m SET content = c.content, channel_data = c."channelData", reactions = c.reactions, edited_at = c."editedAt",
    edit_revision = c."editRevision", deleted_at = c."deletedAt"
  FROM jsonb_to_recordset($1::jsonb) AS c("projectId" text, id text, content jsonb, "channelData" jsonb, reactions jsonb,
    "editedAt" timestamptz, "editRevision" int, "deletedAt" timestamptz)
  WHERE m.project_id = c."projectId" AND m.id = c.id
  RETURNING m.*`;

/** What was taken back may not be told any more either, to whoever reads the log again or has not been told yet. */
const ERASE = `
  UPDATE events e SET payload = jsonb_set(e.payload, '{message}', (e.payload -> 'message') || $2::jsonb)
  FROM jsonb_to_recordset($1::jsonb) AS d("projectId" text, id text)
  WHERE e.project_id = d."projectId" AND e.payload -> 'message' ->> 'id' = d.id AND e.kind IN ('message.added', 'message.updated')`;

const ERASED = JSON.stringify({ content: UNSENT, channelData: null, reactions: [] });

/** Taken from the messages, so that it cannot drift. */
const COUNT_UNREAD = `
  UPDATE conversations c SET updated_at = now(), unread_count = ${unreadOf('c')}
  FROM (SELECT DISTINCT "projectId", "conversationId" FROM jsonb_to_recordset($1::jsonb) AS d("projectId" text, "conversationId" text)) d
  WHERE c.project_id = d."projectId" AND c.id = d."conversationId"
  RETURNING c.*`;

/**
 * Has messages be what their changes make of them. Returns those that are different now, by id; their conversations must be locked, and
 * are brought up to date in `conversations`.
 * @throws ConversationGone when a message is of a conversation that is not locked.
 */
export async function applyChanges(
  tx: EntityManager,
  messages: readonly Message[],
  changes: ReadonlyMap<string, Changes>,
  conversations: Map<string, Conversation>,
): Promise<Map<string, Message>> {
  const rows = messages.flatMap((message) => {
    const before = changesOf(message);
    const after = merge(before, changes.get(message.id) ?? UNCHANGED);
    if (isSame(before, after)) return [];
    if (!conversations.has(message.conversationId))
      throw new ConversationGone(`message ${message.id} has moved to another conversation`);
    return [{ projectId: message.projectId, id: message.id, ...changed(message, after) }];
  });
  if (rows.length === 0) return new Map();
  const updated = await queryRows<Message>(tx, UPDATE, [JSON.stringify(rows)]);
  const unsent = updated.filter(({ deletedAt }) => deletedAt !== null);
  if (unsent.length > 0) {
    const given = JSON.stringify(
      unsent.map(({ projectId, id, conversationId }) => ({ projectId, id, conversationId })),
    );
    await tx.query(ERASE, [given, ERASED]);
    for (const conversation of await queryRows<Conversation>(tx, COUNT_UNREAD, [given]))
      conversations.set(conversation.id, conversation);
  }
  return new Map(updated.map((message) => [message.id, message]));
}
