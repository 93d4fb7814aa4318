import type { EntityManager } from 'typeorm';
import type { InboundContactEvent, InboundUnsupported } from '../../channels/channel.js';
import { findPeople, type Resolution } from '../../conversations/people.js';
import { queryRows } from '../../database/rows.js';
import type { NewEvent } from '../../events/event.js';
import { type IgnoredEvent, type InboundBatch, resolvedOf, type Sourced } from './batch.js';
import { digest } from './salvage.js';

const SEEN = `
  INSERT INTO channel_events_seen (project_id, app_id, key)
  SELECT e."projectId", e."appId", e.key FROM jsonb_to_recordset($1::jsonb) AS e("projectId" text, "appId" text, key text)
  ORDER BY 1, 2, 3
  ON CONFLICT DO NOTHING RETURNING app_id, key`;

/** What of a batch has no id of its own and was not seen before. */
export interface Fresh {
  contactEvents: Sourced<InboundContactEvent>[];
  unsupported: Sourced<InboundUnsupported>[];
  ignored: Sourced<IgnoredEvent>[];
}

/** Each once, however often it is delivered. */
export async function findFresh(tx: EntityManager, batch: InboundBatch): Promise<Fresh> {
  const keyed = [
    ...[...batch.contactEvents, ...batch.unsupported].map((event) => ({ event, key: event.key })),
    ...batch.ignored.map((event) => ({ event, key: digest(event.raw) })),
  ];
  if (keyed.length === 0) return { contactEvents: [], unsupported: [], ignored: [] };
  const rows = keyed.map(({ event, key }) => ({ projectId: event.projectId, appId: event.appId, key }));
  const fresh = new Set(
    (await queryRows<{ appId: string; key: string }>(tx, SEEN, [JSON.stringify(rows)])).map(
      (row) => `${row.appId} ${row.key}`,
    ),
  );
  const first = new Set<object>(
    keyed.filter(({ event, key }) => fresh.delete(`${event.appId} ${key}`)).map(({ event }) => event),
  );
  return {
    contactEvents: batch.contactEvents.filter((event) => first.has(event)),
    unsupported: batch.unsupported.filter((event) => first.has(event)),
    ignored: batch.ignored.filter((event) => first.has(event)),
  };
}

/** Events for what has no generic form or is not ours. */
export async function reportsOf(
  tx: EntityManager,
  { unsupported, ignored }: Pick<Fresh, 'unsupported' | 'ignored'>,
): Promise<NewEvent[]> {
  const named = unsupported.filter((event) => event.identity !== '');
  const people = await findPeople(tx, named);
  return [...unsupported.map((event) => unsupportedEvent(event, people)), ...ignored.map(ignoredEvent)];
}

function unsupportedEvent(event: Sourced<InboundUnsupported>, resolution: Resolution): NewEvent {
  const resolved = event.identity === '' ? undefined : resolvedOf(resolution, event);
  return {
    projectId: event.projectId,
    appId: event.appId,
    kind: 'channel.unsupported',
    conversationId: resolved?.conversationId ?? null,
    contactId: resolved?.contactId ?? null,
    payload: { channel: event.channel, identity: event.identity, raw: event.raw },
  };
}

function ignoredEvent(event: Sourced<IgnoredEvent>): NewEvent {
  const { projectId, appId, channel, accountId, raw } = event;
  return { projectId, appId, kind: 'channel.ignored', payload: { channel, accountId, raw } };
}
