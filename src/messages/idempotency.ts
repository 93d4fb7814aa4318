import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { DomainError } from '../errors.js';
import type { Accepted, SendCommand } from './command.js';

interface KeyRow {
  projectId: string;
  key: string;
  requestHash: string;
  messageId: string;
  acceptedTime: Date;
}

/**
 * Waits for a transaction that is claiming the same key, so that two concurrent retries cannot both win. Of two in one batch the first
 * wins: ids ascend in the order of the commands.
 */
const CLAIM = `
  INSERT INTO idempotency_keys (project_id, key, request_hash, message_id, accepted_time)
  SELECT k."projectId", k.key, k."requestHash", k."messageId", k."acceptedTime"
  FROM jsonb_to_recordset($1::jsonb) AS k("projectId" text, key text, "requestHash" text, "messageId" text, "acceptedTime" timestamptz)
  ORDER BY 1, 2, 4
  ON CONFLICT DO NOTHING`;

const READ = `
  SELECT i.* FROM jsonb_to_recordset($1::jsonb) AS k("projectId" text, key text)
  JOIN idempotency_keys i ON i.project_id = k."projectId" AND i.key = k.key`;

const RELEASE = `
  DELETE FROM idempotency_keys i USING jsonb_to_recordset($1::jsonb) AS k("projectId" text, key text)
  WHERE i.project_id = k."projectId" AND i.key = k.key`;

/** A stable digest of what a key was first used for. */
export function requestHash(request: unknown): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('base64url');
}

/**
 * Claims the idempotency keys of the commands at `indexes`. For those whose key has been used: the first answer, or an error when it was
 * used for another request.
 */
export async function claimKeys(
  tx: EntityManager,
  commands: readonly Pick<SendCommand, 'projectId' | 'idempotency'>[],
  ids: readonly string[],
  acceptedTime: Date,
  indexes: readonly number[],
): Promise<Map<number, Accepted | DomainError>> {
  const answers = new Map<number, Accepted | DomainError>();
  const keyed = indexes.flatMap((index) => {
    const command = commands[index];
    if (!command?.idempotency) return [];
    return [
      { index, projectId: command.projectId, ...command.idempotency, messageId: ids[index], acceptedTime },
    ];
  });
  if (keyed.length === 0) return answers;
  await tx.query(CLAIM, [JSON.stringify(keyed)]);
  const rows = await queryRows<KeyRow>(tx, READ, [JSON.stringify(keyed)]);
  const used = new Map(rows.map((row) => [`${row.projectId} ${row.key}`, row]));
  for (const claim of keyed) {
    const row = used.get(`${claim.projectId} ${claim.key}`);
    if (!row || row.messageId === claim.messageId) continue;
    answers.set(
      claim.index,
      row.requestHash === claim.requestHash
        ? { messageId: row.messageId, acceptedTime: row.acceptedTime }
        : new DomainError(
            'ALREADY_EXISTS',
            `idempotency key ${claim.key} was used for another request; use a new key for a new message`,
          ),
    );
  }
  return answers;
}

/** Gives back the keys that commands have claimed in this transaction: what was refused after all may be asked for anew. */
export async function releaseKeys(
  tx: EntityManager,
  commands: readonly Pick<SendCommand, 'projectId' | 'idempotency'>[],
): Promise<void> {
  const keyed = commands.flatMap(({ projectId, idempotency }) =>
    idempotency ? [{ projectId, key: idempotency.key }] : [],
  );
  if (keyed.length > 0) await tx.query(RELEASE, [JSON.stringify(keyed)]);
}
