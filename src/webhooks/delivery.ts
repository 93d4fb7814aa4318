import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { invalid } from '../errors.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import type { WebhookTrigger } from './trigger.js';

export const DELIVERY_STATUSES = ['PENDING', 'DELIVERED', 'DEAD'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** How one attempt at a delivery ended. */
export interface Attempt {
  at: Date;
  responseCode: number | null;
  /** The beginning of the answer: a kilobyte of the last, 256 characters of those before. */
  responseHead: string | null;
  /** Why there was no answer. */
  error: string | null;
  durationMs: number | null;
}

/** One event on its way to one webhook. */
export interface Delivery {
  id: string;
  webhookId: string;
  eventId: string;
  trigger: WebhookTrigger;
  /** The callback URL of its send; null when it goes to the target of the webhook. */
  url: string | null;
  status: DeliveryStatus;
  attempts: number;
  /** Of a retry; null when none is planned. */
  nextAttemptAt: Date | null;
  lastAttemptAt: Date | null;
  responseCode: number | null;
  responseHead: string | null;
  error: string | null;
  durationMs: number | null;
  /** The attempts before the last, oldest first, times as text; null when there were none. */
  earlier: (Omit<Attempt, 'at'> & { at: string })[] | null;
  createdAt: Date;
}

export interface DeliveryFilter {
  status?: DeliveryStatus | null;
  trigger?: WebhookTrigger | null;
  /** HTTP status of the last answer. */
  responseCode?: number | null;
  /** Of what was queued from then on. */
  since?: Date | null;
  /** Of what was queued before. */
  until?: Date | null;
}

/** Every attempt at a delivery, oldest first. */
export function attemptsOf(delivery: Delivery): Attempt[] {
  const earlier = (delivery.earlier ?? []).map((attempt) => ({ ...attempt, at: new Date(attempt.at) }));
  const { lastAttemptAt, responseCode, responseHead, error, durationMs } = delivery;
  if (lastAttemptAt === null) return earlier;
  return [...earlier, { at: lastAttemptAt, responseCode, responseHead, error, durationMs }];
}

/** The deliveries of a webhook, the latest events first. @throws DomainError INVALID_ARGUMENT (cursor). */
export async function listDeliveries(
  manager: EntityManager,
  { projectId, webhookId }: { projectId: string; webhookId: string },
  { status, trigger, responseCode, since, until }: DeliveryFilter,
  page: PageRequest,
): Promise<Page<Delivery>> {
  const keyset = keysetOf(page, 2);
  const [sign, order] = keyset.backward ? ['>', 'ASC'] : ['<', 'DESC'];
  // Spelt out rather than passed, so that Postgres leaves out the table that cannot have it.
  const wanted = DELIVERY_STATUSES.find((name) => name === status);
  const rows = await queryRows<Delivery & { eventSeq: string }>(
    manager,
    `SELECT * FROM webhook_deliveries WHERE project_id = $1 AND webhook_id = $2 ${wanted ? `AND status = '${wanted}'` : ''}
       AND ($4::text IS NULL OR trigger = $4) AND ($5::int IS NULL OR response_code = $5)
       AND ($6::timestamptz IS NULL OR created_at >= $6) AND ($7::timestamptz IS NULL OR created_at < $7)
       ${keyset.position ? `AND (event_seq, id) ${sign} ($8::bigint, $9)` : ''}
     ORDER BY event_seq ${order}, id ${order} LIMIT $3`,
    [
      projectId,
      webhookId,
      keyset.limit + 1,
      trigger ?? null,
      responseCode ?? null,
      since ?? null,
      until ?? null,
      ...positionOf(keyset.position),
    ],
  );
  return pageOf(rows, keyset, ({ eventSeq, id }) => [eventSeq, id]);
}

/** @throws DomainError INVALID_ARGUMENT when a cursor holds no number where one belongs. */
function positionOf(position: string[] | null): string[] {
  if (position && !/^\d{1,18}$/.test(position[0] ?? '')) {
    throw invalid('after', 'cursor', 'after is not a cursor of this list; pass one that this list returned');
  }
  return position ?? [];
}
