import type { EntityManager } from 'typeorm';
import type { InboundEcho, InboundMessage } from '../../channels/channel.js';
import type { Resolution } from '../../conversations/people.js';
import { queryRows } from '../../database/rows.js';
import { newId } from '../../ids.js';
import type { MessageRow } from '../insert.js';
import type { Message } from '../message.entity.js';
import { resolvedOf, type Sourced } from './batch.js';
import { type Answer, type Answered, answerKey, findAnswered } from './quotes.js';

/** What came in as the rows of messages, each in the conversation of its person and knowing what it answers. */
export async function rowsOf(
  tx: EntityManager,
  messages: Sourced<InboundMessage>[],
  echoes: Sourced<InboundEcho>[],
  resolution: Resolution,
): Promise<MessageRow[]> {
  const answered = await findAnswered(tx, answersAmong([...messages, ...echoes], resolution));
  const acceptTime = new Date();
  const rows: MessageRow[] = [];
  for (const event of [...messages, ...echoes]) {
    const resolved = resolvedOf(resolution, event);
    if (!resolved) throw new Error(`no conversation for ${event.kind} ${event.channelMessageId}`);
    const { projectId, appId, channel, identity, channelMessageId } = event;
    const answer = answered.get(answerKey(event));
    rows.push({
      ...{ projectId, appId, channel, identity, channelMessageId, ...resolved },
      ...(event.kind === 'message' ? contactSide(event, answer) : businessSide(event, answer)),
      id: newId(),
      acceptTime,
      channelTime: event.at,
      channelData: event.details ?? null,
    });
  }
  return rows;
}

function answersAmong(events: Sourced<InboundMessage | InboundEcho>[], resolution: Resolution): Answer[] {
  const answers: Answer[] = [];
  for (const event of events) {
    const picked = event.kind === 'message' ? event.content.choice_response_message : undefined;
    const conversationId = resolvedOf(resolution, event)?.conversationId;
    if (!conversationId || (!picked && !event.replyTo)) continue;
    const { projectId, appId, channel, channelMessageId } = event;
    answers.push({
      ...{ projectId, appId, channel, conversationId, channelMessageId },
      replyTo: event.replyTo ?? null,
      postbackData: picked?.postback_data ?? null,
      choice: (event.kind === 'message' ? event.choice : undefined) ?? null,
    });
  }
  return answers;
}

/** A tap may come as the text of its button and as a postback, under one id: whichever comes first, the postback says more. */
const UPGRADE = `
  UPDATE messages m SET content = t.content, metadata = t.metadata, reply_to_message_id = t."replyToMessageId", channel_data = t."channelData"
  FROM jsonb_to_recordset($1::jsonb) AS t("projectId" text, "appId" text, channel text, "channelMessageId" text, content jsonb, metadata text,
    "replyToMessageId" text, "channelData" jsonb)
  WHERE m.project_id = t."projectId" AND m.app_id = t."appId" AND m.channel = t.channel AND m.channel_message_id = t."channelMessageId"
    AND m.direction = 'TO_APP' AND m.content ? 'text_message' AND m.deleted_at IS NULL AND m.conversation_id = ANY($2)
  RETURNING m.*`;

/** Has messages that were stored as a text be the choices that they were. Returns them; `conversations` are locked. */
export async function upgradeTaps(
  tx: EntityManager,
  rows: readonly MessageRow[],
  added: readonly Message[],
  conversations: ReadonlyMap<string, unknown>,
): Promise<Message[]> {
  const stored = new Set(added.map(({ id }) => id));
  const taps = rows.filter(({ id, content }) => !stored.has(id) && 'choice_response_message' in content);
  if (taps.length === 0) return [];
  return queryRows<Message>(tx, UPGRADE, [JSON.stringify(taps), [...conversations.keys()]]);
}

function contactSide(
  event: InboundMessage,
  answered: Answered | undefined,
): Pick<MessageRow, 'direction' | 'sentBy' | 'content' | 'metadata' | 'replyToMessageId'> {
  const { choice_response_message: choice } = event.content;
  return {
    direction: 'TO_APP',
    sentBy: 'CONTACT',
    content: {
      ...event.content,
      ...(choice
        ? {
            choice_response_message: {
              message_id: answered?.askedMessageId ?? '',
              postback_data: answered?.chosenData ?? choice.postback_data,
            },
          }
        : {}),
      ...(event.replyTo ? { reply_to: { message_id: answered?.replyToMessageId ?? '' } } : {}),
    },
    metadata: answered?.askedMetadata ?? '',
    replyToMessageId: answered?.replyToMessageId ?? null,
  };
}

/** What another tool of the business sent is on the channel already. */
function businessSide(
  event: InboundEcho,
  answered: Answered | undefined,
): Pick<MessageRow, 'direction' | 'sentBy' | 'content' | 'status' | 'replyToMessageId'> {
  return {
    direction: 'TO_CONTACT',
    sentBy: event.origin,
    content: event.content,
    status: 'QUEUED_ON_CHANNEL',
    replyToMessageId: answered?.replyToMessageId ?? null,
  };
}
