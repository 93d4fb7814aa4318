import type { EntityManager } from 'typeorm';
import type { InboundEcho } from '../../channels/channel.js';
import type { Resolution } from '../../conversations/people.js';
import { queryRows } from '../../database/rows.js';
import type { NewJob } from '../../jobs/task.js';
import { type InboundRequest, resolvedOf, type Sourced } from './batch.js';

/** Few calls take longer. */
const AGAIN_MS = 1_000;

/** The text of `since` keeps the microseconds. What began after the echo had come is not what it tells of. */
const UNDER_WAY = `
  SELECT e.place, coalesce(e.since, now())::text AS since
  FROM jsonb_to_recordset($1::jsonb) AS e(place int, "projectId" text, "conversationId" text, since timestamptz)
  WHERE EXISTS (SELECT FROM sends s
    WHERE s.project_id = e."projectId" AND s.conversation_id = e."conversationId" AND s.attempt_by IS NOT NULL
      AND s.attempt_at <= coalesce(e.since, s.attempt_at))`;

type HeldEcho = Sourced<InboundEcho> & { heldSince?: string };

/**
 * An echo without our reference may be of a send that the channel is being called with: its answer tells by the id. Until the call has
 * ended it is nobody's, and comes again by a job. The conversations must be locked, so that no answer is recorded meanwhile.
 */
export async function holdEchoes(
  tx: EntityManager,
  echoes: readonly HeldEcho[],
  resolution: Resolution,
): Promise<{ foreign: HeldEcho[]; held: NewJob<'echo'>[] }> {
  const asked = echoes.flatMap((echo, place) => {
    const { conversationId } = resolvedOf(resolution, echo) ?? {};
    const { projectId, reference, heldSince: since = null } = echo;
    return reference === undefined && conversationId ? [{ place, projectId, conversationId, since }] : [];
  });
  if (asked.length === 0) return { foreign: [...echoes], held: [] };
  const rows = await queryRows<{ place: number; since: string }>(tx, UNDER_WAY, [JSON.stringify(asked)]);
  const held = new Map(rows.map(({ place, since }) => [place, since]));
  return {
    foreign: echoes.filter((_echo, place) => !held.has(place)),
    held: echoes.flatMap((echo, place) => {
      const heldSince = held.get(place);
      return heldSince === undefined ? [] : [jobOf({ ...echo, heldSince })];
    }),
  };
}

/** What a job brings again. */
export function heldRequest(echo: unknown): InboundRequest {
  const { projectId, appId, channel, ...event } = echo as HeldEcho;
  const at = event.at && new Date(event.at);
  return { source: { projectId, appId, channel }, events: [{ ...event, at }], ignored: [] };
}

function jobOf(echo: HeldEcho): NewJob<'echo'> {
  return {
    task: 'echo',
    payload: { echo },
    key: `echo:${echo.appId}:${echo.channel}:${echo.channelMessageId}`,
    runAt: new Date(Date.now() + AGAIN_MS),
  };
}
