import type { EntityManager } from 'typeorm';
import type { InboundEcho, InboundMessage } from '../channels/channel.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import type { Resolution } from '../conversations/people.js';
import { queryRows } from '../database/rows.js';
import type { NewEvent } from '../events/event.js';
import { idAt } from '../ids.js';
import { addedEvents } from '../messages/activity.js';
import { type InboundSource, resolvedOf, type Sourced } from '../messages/inbound/batch.js';
import { findMessages, messageKey } from '../messages/inbound/changes.js';
import { applyEarlyChanges } from '../messages/inbound/receive-changes.js';
import { rowsOf } from '../messages/inbound/rows.js';
import type { MessageRow } from '../messages/insert.js';
import type { Message } from '../messages/message.entity.js';
import { insertPast } from '../messages/past.js';

export type Told = InboundMessage | InboundEcho;

/** By how much a channel's clock may differ from ours. */
const CLOCKS_MS = 60_000;

/** A send that was tried and is not settled may be among what the page said: its own answer or echo tells. */
const TRIED = `
  SELECT conversation_id, min(attempt_at) AS since FROM sends
  WHERE project_id = $1 AND conversation_id = ANY($2) AND attempt_at IS NOT NULL
  GROUP BY 1`;

/** Those that are not here yet. */
export async function unknownOf(
  tx: Pick<EntityManager, 'query'>,
  told: readonly Sourced<Told>[],
): Promise<Sourced<Told>[]> {
  const known = await findMessages(tx, told);
  return told.filter((event) => !known.has(messageKey(event)));
}

/**
 * Stores what was said before, where it belongs in time: the ids are made of the channel's times. Returns what the log is to tell.
 * `conversations`, of those who said it, must be locked.
 */
export async function storeHistory(
  tx: EntityManager,
  { projectId }: InboundSource,
  told: readonly Sourced<Told>[],
  resolution: Resolution,
  conversations: Map<string, Conversation>,
): Promise<NewEvent[]> {
  const fresh = await withoutOwn(tx, projectId, await unknownOf(tx, told), resolution);
  const messages = fresh.filter((event) => event.kind === 'message');
  const echoes = fresh.filter((event) => event.kind === 'echo');
  const order = fresh.map(({ channelMessageId }) => channelMessageId);
  const rows = inTheirTime(await rowsOf(tx, messages, echoes, resolution), order);
  const { messages: added, early } = await insertPast(tx, projectId, rows, conversations);
  if (added.length === 0) return [];
  const overtaken = await applyEarlyChanges(
    tx,
    added.flatMap((message) => (early.has(message.id) ? [nameOf(message)] : [])),
    conversations,
  );
  const final = new Map(overtaken.map((message) => [message.id, message]));
  return addedEvents(
    added.map((message) => final.get(message.id) ?? message),
    conversations,
  );
}

async function withoutOwn(
  tx: EntityManager,
  projectId: string,
  told: readonly Sourced<Told>[],
  resolution: Resolution,
): Promise<Sourced<Told>[]> {
  const ids = told.flatMap((event) => resolvedOf(resolution, event)?.conversationId ?? []);
  const rows = await queryRows<{ conversationId: string; since: Date }>(tx, TRIED, [projectId, ids]);
  const tried = new Map(
    rows.map(({ conversationId, since }) => [conversationId, since.getTime() - CLOCKS_MS]),
  );
  return told.filter((event) => {
    const since = tried.get(resolvedOf(resolution, event)?.conversationId ?? '');
    return event.kind === 'message' || since === undefined || (event.at?.getTime() ?? 0) < since;
  });
}

/** Channels give whole seconds: what was said within one keeps its order by milliseconds of our own. */
function inTheirTime(rows: readonly MessageRow[], order: readonly string[]): MessageRow[] {
  const places = new Map(order.map((id, index) => [id, index]));
  const placeOf = ({ channelMessageId }: MessageRow): number => places.get(channelMessageId ?? '') ?? 0;
  const latest = new Map<string, number>();
  return [...rows]
    .sort((a, b) => timeOf(a) - timeOf(b) || placeOf(a) - placeOf(b))
    .map((row) => {
      const time = Math.max(timeOf(row), (latest.get(row.conversationId) ?? 0) + 1);
      latest.set(row.conversationId, time);
      const acceptTime = new Date(time);
      return { ...row, acceptTime, id: idAt(acceptTime) };
    });
}

function timeOf({ channelTime, acceptTime }: MessageRow): number {
  return (channelTime ?? acceptTime).getTime();
}

function nameOf({ projectId, appId, channel, channelMessageId }: Message): {
  projectId: string;
  appId: string;
  channel: string;
  channelMessageId: string;
} {
  return { projectId, appId, channel, channelMessageId: channelMessageId ?? '' };
}
