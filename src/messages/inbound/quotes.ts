import type { EntityManager } from 'typeorm';
import { queryRows } from '../../database/rows.js';

/** A message that answers another: by quoting it, or by picking a choice that it offered. */
export interface Answer {
  projectId: string;
  appId: string;
  channel: string;
  conversationId: string;
  channelMessageId: string;
  /** Channel id of the quoted message. */
  replyTo: string | null;
  /** What a picked choice gave back. */
  postbackData: string | null;
  /** Which choice it was, where the channel says that instead. */
  choice: { messageId: string; index: number } | null;
}

export interface Answered {
  appId: string;
  channelMessageId: string;
  replyToMessageId: string | null;
  askedMessageId: string | null;
  askedMetadata: string | null;
  /** The postback data that a choice named by its place stands for. */
  chosenData: string | null;
}

/** Choices are looked for in the last messages only: what was offered longer ago may have been offered by anything. */
const ASKED_WITHIN = 200;

/** What `m` said on the channel of the answer: of a template, what it was filled in to. */
const SAID = `coalesce((
  SELECT r.content FROM message_renderings r
  WHERE r.project_id = m.project_id AND r.message_id = m.id AND r.channel = a.channel), m.content)`;

/** A choice named by its place is counted through all that the content offers, in order: `cards` stand before `choices` in jsonb too. */
const FIND = `
  SELECT a."appId" AS app_id, a."channelMessageId" AS channel_message_id, quoted.id AS reply_to_message_id,
    coalesce(named.id, asked.id) AS asked_message_id, coalesce(named.metadata, asked.metadata) AS asked_metadata, named.chosen_data
  FROM jsonb_to_recordset($1::jsonb) AS a("projectId" text, "appId" text, channel text, "conversationId" text, "channelMessageId" text, "replyTo" text, "postbackData" text, choice jsonb)
  LEFT JOIN LATERAL (
    SELECT p.message_id AS id FROM message_parts p
    WHERE p.project_id = a."projectId" AND p.app_id = a."appId" AND p.channel = a.channel AND p.channel_message_id = a."replyTo"
    UNION ALL
    SELECT m.id FROM messages m
    WHERE m.project_id = a."projectId" AND m.app_id = a."appId" AND m.channel = a.channel AND m.channel_message_id = a."replyTo"
    LIMIT 1
  ) quoted ON a."replyTo" IS NOT NULL
  LEFT JOIN LATERAL (
    SELECT recent.id, recent.metadata FROM (
      SELECT m.id, m.metadata, ${SAID} AS content FROM messages m
      WHERE m.project_id = a."projectId" AND m.conversation_id = a."conversationId"
      ORDER BY m.id DESC LIMIT ${ASKED_WITHIN}
    ) recent
    WHERE jsonb_path_exists(recent.content, '$.**.postback_data ? (@ == $data)', jsonb_build_object('data', a."postbackData"))
    ORDER BY recent.id DESC LIMIT 1
  ) asked ON a."postbackData" IS NOT NULL AND a.choice IS NULL
  LEFT JOIN LATERAL (
    SELECT m.id, m.metadata, jsonb_path_query_array(
        coalesce(${SAID} #> ARRAY['explicit_channel_omni_message', a.channel], ${SAID} - 'explicit_channel_omni_message'),
        'strict $.**.postback_data', '{}', true) ->> (a.choice->>'index')::int AS chosen_data
    FROM messages m
    WHERE m.project_id = a."projectId" AND m.id = a.choice->>'messageId' AND m.conversation_id = a."conversationId"
  ) named ON a.choice IS NOT NULL`;

/** Which of our messages each answer is about, by `answerKey`. */
export async function findAnswered(tx: EntityManager, answers: Answer[]): Promise<Map<string, Answered>> {
  if (answers.length === 0) return new Map();
  const rows = await queryRows<Answered>(tx, FIND, [JSON.stringify(answers)]);
  return new Map(rows.map((row) => [answerKey(row), row]));
}

/** Channel ids are unique within an app only: a page may be connected to two, of different projects. */
export function answerKey({ appId, channelMessageId }: Pick<Answer, 'appId' | 'channelMessageId'>): string {
  return `${appId} ${channelMessageId}`;
}
