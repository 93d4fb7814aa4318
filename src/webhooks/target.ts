// A webhook as deliveries see it, and how its target is doing.
import type { DataSource } from 'typeorm';
import { queryRows } from '../database/rows.js';
import type { SecretBox } from '../secrets.js';
import type { CallbackApp } from './callback.js';
import type { ClientCredentials } from './client-credentials.js';
import type { WebhookKey } from './deliveries.js';

export interface Target extends WebhookKey {
  appId: string;
  url: string;
  /** Empty: unsigned. */
  secret: string;
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
  target: string;
  targetType: string;
  secret: string;
  clientCredentials: string | null;
  disabledAt: Date | null;
  disabledReason: string | null;
  failingSince: Date | null;
  pausedUntil: Date | null;
}

const LOAD = `
  SELECT w.app_id, w.target, w.target_type, w.secret, w.client_credentials, w.disabled_at, w.disabled_reason, w.failing_since, w.paused_until,
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
  const { appId, target, secret, clientCredentials, failingSince, pausedUntil } = row;
  return {
    projectId,
    webhookId,
    appId,
    url: target,
    secret: secret === '' ? '' : secrets.decrypt(secret),
    credentials:
      clientCredentials === null
        ? null
        : (JSON.parse(secrets.decrypt(clientCredentials)) as ClientCredentials),
    app: {
      processingMode: row.processingMode,
      conversationMetadataReportView: row.conversationMetadataReportView,
    },
    closed: closedReason(row),
    failingSince,
    pausedUntil,
  };
}

function closedReason({ targetType, disabledAt, disabledReason }: TargetRow): string | null {
  if (targetType !== 'HTTP') return `the webhook is set to ${targetType}`;
  return disabledAt && `the webhook was disabled: ${disabledReason ?? 'no reason was recorded'}`;
}

/** What becomes known of a target's health; absent fields stay as they are. */
export interface Health {
  failingSince?: Date | null;
  pausedUntil?: Date | null;
  /** Why nothing is sent to it any more. */
  disabledReason?: string;
}

const UPDATE = `
  UPDATE webhooks SET
    failing_since = CASE WHEN $3::boolean THEN $4::timestamptz ELSE failing_since END,
    paused_until = CASE WHEN $5::boolean THEN $6::timestamptz ELSE paused_until END,
    disabled_at = CASE WHEN $7::text IS NULL THEN disabled_at ELSE coalesce(disabled_at, now()) END,
    disabled_reason = coalesce(disabled_reason, $7)
  WHERE project_id = $1 AND id = $2`;

export async function recordHealth(
  dataSource: DataSource,
  { projectId, webhookId }: WebhookKey,
  { failingSince, pausedUntil, disabledReason }: Health,
): Promise<void> {
  await dataSource.query(UPDATE, [
    projectId,
    webhookId,
    failingSince !== undefined,
    failingSince ?? null,
    pausedUntil !== undefined,
    pausedUntil ?? null,
    disabledReason ?? null,
  ]);
}
