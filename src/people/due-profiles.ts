import type { EntityManager } from 'typeorm';
import type { ChannelProfile, ConversationChannel } from '../channels/channel.js';
import { queryRows } from '../database/rows.js';

/** A channel of an app: whoever is asked for there shares one token and one allowance. */
export interface Account {
  projectId: string;
  appId: string;
  channel: ConversationChannel;
}

/** Somebody whom the channel is to be asked about. */
export interface DueProfile {
  identity: string;
  attempts: number;
  /** What it told before. */
  profile: ChannelProfile | null;
}

/** What came of asking, and when to ask again; never, when that is null. */
export interface AskedProfile {
  identity: string;
  profile: ChannelProfile | null;
  /** Null also when it was not asked after all. */
  error: string | null;
  /** Whether the channel answered at all, be it that it will not tell. */
  answered: boolean;
  againInMs: number | null;
}

type Queries = Pick<EntityManager, 'query'>;

/** How many are asked for by one job; it is followed by another. */
const BATCH = 20;

const NOTE = `
  INSERT INTO channel_profiles (project_id, channel, app_id, identity, due_at)
  SELECT p."projectId", p.channel, p."appId", p.identity, now()
  FROM jsonb_to_recordset($1::jsonb) AS p("projectId" text, channel text, "appId" text, identity text)
  ORDER BY 1, 2, 3, 4
  ON CONFLICT DO NOTHING`;

/** A channel that rests or whose token is dead is left alone. */
const ACCOUNTS = `
  SELECT c.project_id, c.app_id, c.channel FROM channels c
  WHERE c.state <> 'NEEDS_REAUTH'
    AND EXISTS (SELECT FROM channel_profiles p
      WHERE p.project_id = c.project_id AND p.channel = c.channel AND p.app_id = c.app_id AND p.due_at <= now())
    AND NOT EXISTS (SELECT FROM channel_pauses r
      WHERE r.project_id = c.project_id AND r.app_id = c.app_id AND r.channel = c.channel AND r.until > now())`;

const RESTS = `
  SELECT FROM channel_pauses WHERE project_id = $1 AND channel = $2 AND app_id = $3 AND until > now()`;

const DUE = `
  SELECT project_id, channel, app_id, identity FROM channel_profiles
  WHERE project_id = $1 AND channel = $2 AND app_id = $3 AND due_at <= now()
  ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED`;

/** Who has not written since is of no more interest than before. */
const POSTPONE = `
  UPDATE channel_profiles p SET due_at = now() + $5::float * interval '1 ms'
  FROM (${DUE}) d
  WHERE (p.project_id, p.channel, p.app_id, p.identity) = (d.project_id, d.channel, d.app_id, d.identity)
    AND p.answered_at IS NOT NULL AND NOT EXISTS (
      SELECT FROM channel_identities i
      JOIN conversations c ON c.project_id = i.project_id AND c.contact_id = i.contact_id AND c.app_id = i.app_id
      WHERE (i.project_id, i.channel, i.app_id, i.identity) = (p.project_id, p.channel, p.app_id, p.identity)
        AND c.last_contact_message_at > p.answered_at)`;

/** Whoever takes them and dies leaves them due again soon. */
const TAKE = `
  UPDATE channel_profiles p SET due_at = now() + interval '5 minutes', attempts = p.attempts + 1
  FROM (${DUE}) d
  WHERE (p.project_id, p.channel, p.app_id, p.identity) = (d.project_id, d.channel, d.app_id, d.identity)
  RETURNING p.identity, p.attempts, p.profile`;

const SETTLE = `
  UPDATE channel_profiles p SET
    profile = coalesce(a.profile, p.profile),
    error = CASE WHEN a.error IS NULL AND NOT a.answered THEN p.error ELSE a.error END,
    answered_at = CASE WHEN a.answered THEN now() ELSE p.answered_at END,
    attempts = CASE WHEN a.answered THEN 0 WHEN a.error IS NULL THEN p.attempts - 1 ELSE p.attempts END,
    due_at = now() + a."againInMs" * interval '1 ms'
  FROM jsonb_to_recordset($4::jsonb) AS a(identity text, profile jsonb, error text, answered boolean, "againInMs" float)
  WHERE p.project_id = $1 AND p.channel = $2 AND p.app_id = $3 AND p.identity = a.identity`;

/** Takes note of people who are new. */
export async function noteNew(
  tx: Queries,
  people: readonly (Account & { identity: string })[],
): Promise<void> {
  await tx.query(NOTE, [JSON.stringify(people)]);
}

/** Where somebody is to be asked for. */
export async function accountsDue(tx: Queries): Promise<Account[]> {
  return queryRows<Account>(tx, ACCOUNTS);
}

/** Whether the channel wants no calls for now. */
export async function rests(tx: Queries, account: Account): Promise<boolean> {
  return (await queryRows(tx, RESTS, keyOf(account))).length > 0;
}

/** Those to ask for now, who are then nobody else's for a while. `refreshMs`: how long the others can wait. */
export async function takeDue(tx: Queries, account: Account, refreshMs: number): Promise<DueProfile[]> {
  await tx.query(POSTPONE, [...keyOf(account), 50 * BATCH, refreshMs]);
  return queryRows<DueProfile>(tx, TAKE, [...keyOf(account), BATCH]);
}

export async function settleProfiles(
  tx: Queries,
  account: Account,
  asked: readonly AskedProfile[],
): Promise<void> {
  await tx.query(SETTLE, [...keyOf(account), JSON.stringify(asked)]);
}

function keyOf({ projectId, channel, appId }: Account): string[] {
  return [projectId, channel, appId];
}
