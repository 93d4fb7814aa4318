import type { EntityManager } from 'typeorm';
import type { InboundEcho } from '../../channels/channel.js';
import { queryRows } from '../../database/rows.js';
import { parseReference } from '../reference.js';
import type { SettledPart } from '../settle.js';
import type { Sourced } from './batch.js';

const KNOWN = `
  SELECT e."appId" AS app_id, e."channelMessageId" AS channel_message_id, coalesce(p.message_id, m.id) AS message_id, coalesce(p.part, e.part) AS part,
    coalesce(pm.conversation_id, m.conversation_id) AS conversation_id, p.message_id IS NULL AND m.channel <> e.channel AS left_channel,
    EXISTS (SELECT FROM early_changes c WHERE c.project_id = e."projectId" AND c.app_id = e."appId" AND c.channel = e.channel
      AND c.channel_message_id = e."channelMessageId" AND c.waits) AS changed
  FROM jsonb_to_recordset($1::jsonb) AS e("projectId" text, "appId" text, channel text, "channelMessageId" text, "messageId" text, part int)
  LEFT JOIN message_parts p ON p.project_id = e."projectId" AND p.app_id = e."appId" AND p.channel = e.channel AND p.channel_message_id = e."channelMessageId"
  LEFT JOIN messages pm ON pm.project_id = p.project_id AND pm.id = p.message_id
  LEFT JOIN messages m ON m.project_id = e."projectId" AND m.id = e."messageId" AND m.app_id = e."appId" AND m.direction = 'TO_CONTACT'`;

export interface OwnEcho {
  echo: Sourced<InboundEcho>;
  conversationId: string;
  part: SettledPart;
  /** Something befell the message that nobody could tell it of yet. */
  changed: boolean;
}

/**
 * Tells our own sends from what others of the business sent: by the reference we gave with the send, or by a channel id that we
 * know. Never by the content, which comes back in another shape.
 */
export async function recogniseEchoes(
  tx: Pick<EntityManager, 'query'>,
  echoes: Sourced<InboundEcho>[],
): Promise<{ own: OwnEcho[]; foreign: Sourced<InboundEcho>[] }> {
  if (echoes.length === 0) return { own: [], foreign: [] };
  const asked = echoes.map((echo) => ({ ...echo, content: undefined, ...parseReference(echo.reference) }));
  const rows = await queryRows<{
    appId: string;
    channelMessageId: string;
    messageId: string | null;
    part: number | null;
    conversationId: string | null;
    /** Ours, but of a try on a channel that was given up: the message is told of by another one. */
    leftChannel: boolean | null;
    changed: boolean;
  }>(tx, KNOWN, [JSON.stringify(asked)]);
  // Two apps may have one page, and so the same ids: what is ours at one is somebody else's at the other.
  const known = new Map<string, (typeof rows)[number]>();
  // The same message may come twice at once, with and without its reference.
  for (const row of rows) {
    const key = `${row.appId} ${row.channelMessageId}`;
    if (row.messageId || !known.has(key)) known.set(key, row);
  }
  const own: OwnEcho[] = [];
  const foreign: Sourced<InboundEcho>[] = [];
  for (const echo of echoes) {
    const row = known.get(`${echo.appId} ${echo.channelMessageId}`);
    if (row?.leftChannel) continue;
    if (row?.messageId && row.conversationId) {
      const { projectId, channelMessageId } = echo;
      const part = {
        projectId,
        messageId: row.messageId,
        part: row.part ?? 0,
        channelMessageId,
        at: echo.at ?? new Date(),
      };
      own.push({ echo, conversationId: row.conversationId, part, changed: row.changed });
    } else foreign.push(echo);
  }
  return { own, foreign };
}
