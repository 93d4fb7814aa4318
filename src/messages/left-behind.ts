import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { HEAD_START_MS, HIGH_PRIORITY, type Lane } from './claim.js';
import { HIGH_LANE_KEY, LANE_KEY } from './lane.js';

/** A process that calls the channel right now, or did so when it died. `since` tells this try from a later one. */
export interface Mark extends Lane {
  messageId: string;
  attemptBy: string;
  since: string;
}

/** A lane to be woken. */
export interface LaneToWake extends Lane {
  highPriority: boolean;
}

const MARKS = `
  SELECT project_id, conversation_id, message_id, attempt_by, attempt_at::text AS since FROM sends WHERE attempt_by IS NOT NULL`;

/** As after any lost answer, the message is not given up before its echo has had time. */
const RECOVER = `
  UPDATE sends s SET attempt_by = NULL, next_attempt_at = $2, expires_at = greatest(s.expires_at, $2)
  FROM jsonb_to_recordset($1::jsonb) AS m("projectId" text, "conversationId" text, "messageId" text, "attemptBy" text, since timestamptz)
  WHERE s.project_id = m."projectId" AND s.conversation_id = m."conversationId" AND s.message_id = m."messageId"
    AND s.attempt_by = m."attemptBy" AND s.attempt_at = m.since
  RETURNING s.project_id, s.conversation_id, ${HIGH_PRIORITY} AS high_priority`;

/** By one key, so that Postgres can compare all lanes with all jobs at once however many there are of either. */
function hasJob(key: string): string {
  return `EXISTS (
      SELECT FROM graphile_worker._private_jobs j
      WHERE j.key = '${key}' || s.conversation_id AND j.locked_at IS NULL AND j.run_at <= now() AND j.attempts < j.max_attempts)`;
}

/** A head that should have been tried by now, whose channel takes calls, and no job that is about to. */
const FORGOTTEN = `
  SELECT s.project_id, s.conversation_id, ${HIGH_PRIORITY} AS high_priority FROM (
    SELECT DISTINCT ON (project_id, conversation_id) project_id, conversation_id, message_id, attempt_by, next_attempt_at
    FROM sends ORDER BY project_id, conversation_id, message_id
  ) s
  WHERE attempt_by IS NULL AND next_attempt_at < now() - interval '3 seconds'
    AND NOT EXISTS (SELECT FROM messages m
      JOIN channel_pauses p ON p.project_id = m.project_id AND p.app_id = m.app_id AND p.channel = m.channel
      WHERE m.project_id = s.project_id AND m.id = s.message_id
        AND p.until > now() - interval '3 seconds' - interval '${HEAD_START_MS} ms')
    AND NOT ${hasJob(LANE_KEY)} AND NOT ${hasJob(HIGH_LANE_KEY)}
  LIMIT 1000`;

type Queries = Pick<EntityManager, 'query'>;

export async function findMarks(tx: Queries): Promise<Mark[]> {
  return queryRows<Mark>(tx, MARKS);
}

/** Takes marks away, unless they changed meanwhile. Returns the lanes of those that were taken away. */
export async function recover(tx: Queries, marks: readonly Mark[], at: Date): Promise<LaneToWake[]> {
  return queryRows<LaneToWake>(tx, RECOVER, [JSON.stringify(marks), at]);
}

export async function forgottenLanes(tx: Queries): Promise<LaneToWake[]> {
  return queryRows<LaneToWake>(tx, FORGOTTEN);
}
