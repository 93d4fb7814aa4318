// A webhook as deliveries see it, and how its target is doing.
import type { DataSource, EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import type { NewEvent } from '../events/event.js';
import type { SecretBox } from '../secrets.js';
import type { CallbackApp } from './callback-body.js';
import type { ClientCredentials } from './client-credentials.js';
import type { WebhookKey } from './deliveries.js';
import type { Webhook } from './webhook.entity.js';

export interface Target extends WebhookKey {
  appId: string;
  kind: Webhook['kind'];
  url: string;
  /** Empty: unsigned. */
  secret: string;
  /** The secret before that, which signs as well until then. */
  previous: { secret: string; until: Date } | null;
  credentials: ClientCredentials | null;
  app: CallbackApp;
  /** Why it receives nothing; null when it does. */
  closed: string | null;
  failingSince: Date | null;
  /** Probed with one delivery at a time from then on; null when it answers. */
  pausedUntil: Date | null;
}

interface TargetRow extends CallbackApp {
  appId: string;
  kind: Webhook['kind'];
  target: string;
  targetType: string;
  secret: string;
  previousSecret: string;
  previousUntil: Date | null;
  clientCredentials: string | null;
  disabledAt: Date | null;
  disabledReason: string | null;
  failingSince: Date | null;
  pausedUntil: Date | null;
}

const LOAD = `
  SELECT w.app_id, w.kind, w.target, w.target_type, CASE w.kind WHEN 'CALLBACK_URL' THEN a.callback_secret ELSE w.secret END AS secret,
    w.previous_secret, w.previous_until, w.client_credentials, w.disabled_at, w.disabled_reason, w.failing_since, w.paused_until,
    a.processing_mode, a.conversation_metadata_report_view
  FROM webhooks w JOIN apps a ON a.project_id = w.project_id AND a.id = w.app_id
  WHERE w.project_id = $1 AND w.id = $2`;

/** Null when the webhook is gone. */
export async function loadTarget(
  dataSource: DataSource,
  secrets: SecretBox,
  { projectId, webhookId }: WebhookKey,
): Promise<Target | null> {
  const [row] = await queryRows<TargetRow>(dataSource.manager, LOAD, [projectId, webhookId]);
  if (!row) return null;
  const { appId, kind, target, secret, previousSecret, previousUntil, failingSince, pausedUntil } = row;
  return {
    ...{ projectId, webhookId, appId, kind, failingSince, pausedUntil },
    url: target,
    secret: secret === '' ? '' : secrets.decrypt(secret),
    previous:
      previousSecret === '' || previousUntil === null
        ? null
        : { secret: secrets.decrypt(previousSecret), until: previousUntil },
    credentials:
      row.clientCredentials === null
        ? null
        : (JSON.parse(secrets.decrypt(row.clientCredentials)) as ClientCredentials),
    app: {
      processingMode: row.processingMode,
      conversationMetadataReportView: row.conversationMetadataReportView,
    },
    closed: closedReason(row),
  };
}

function closedReason({ targetType, disabledAt, disabledReason }: TargetRow): string | null {
  if (targetType !== 'HTTP') return `the webhook is set to ${targetType}`;
  return disabledAt && `the webhook was disabled: ${disabledReason ?? 'no reason was recorded'}`;
}

/** What signs a call at that time, the newest first; nothing when calls are unsigned. */
export function secretsAt({ secret, previous }: Pick<Target, 'secret' | 'previous'>, at: Date): string[] {
  if (secret === '') return [];
  return previous && at < previous.until ? [secret, previous.secret] : [secret];
}

/** What becomes known of a target's health; absent fields stay as they are. */
export interface Health {
  failingSince?: Date | null;
  pausedUntil?: Date | null;
}

const UPDATE = `
  UPDATE webhooks SET
    failing_since = CASE WHEN $3::boolean THEN $4::timestamptz ELSE failing_since END,
    paused_until = CASE WHEN $5::boolean THEN $6::timestamptz ELSE paused_until END
  WHERE project_id = $1 AND id = $2`;

export async function recordHealth(
  dataSource: DataSource,
  { projectId, webhookId }: WebhookKey,
  { failingSince, pausedUntil }: Health,
): Promise<void> {
  await dataSource.query(UPDATE, [
    projectId,
    webhookId,
    failingSince !== undefined,
    failingSince ?? null,
    pausedUntil !== undefined,
    pausedUntil ?? null,
  ]);
}

const DISABLE = `
  UPDATE webhooks SET disabled_at = now(), disabled_reason = $3
  WHERE project_id = $1 AND id = $2 AND disabled_at IS NULL AND target = $4
  RETURNING app_id, target`;

/** Has nothing more sent to a target. The event that tells of it; null when it was disabled already, or goes elsewhere by now. */
export async function disableTarget(
  tx: EntityManager,
  { projectId, webhookId, url }: Target,
  reason: string,
): Promise<NewEvent | null> {
  const values = [projectId, webhookId, reason, url];
  const [row] = await queryRows<{ appId: string; target: string }>(tx, DISABLE, values);
  if (!row) return null;
  const { appId, target } = row;
  return { projectId, appId, kind: 'webhook.disabled', payload: { webhookId, target, reason } };
}
