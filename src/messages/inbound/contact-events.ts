import type { EntityManager } from 'typeorm';
import type { InboundContactEvent } from '../../channels/channel.js';
import type { ContactSideEvent } from '../../content/contact-event.js';
import type { Conversation } from '../../conversations/conversation.entity.js';
import { queryRows } from '../../database/rows.js';
import { type NewEvent, snapshotOf } from '../../events/event.js';
import { newId } from '../../ids.js';
import type { Sourced } from './batch.js';

/** Something a person did, and where. */
export interface ContactAct extends Omit<Sourced<InboundContactEvent>, 'kind' | 'key'> {
  conversationId: string;
  contactId: string;
  dispatch?: boolean;
  /** False for what is known already, or was overtaken: it only shows that the person was there. */
  told: boolean;
}

interface StoredAct {
  projectId: string;
  id: string;
  appId: string;
  conversationId: string;
  contactId: string;
}

const INSERT = `
  INSERT INTO conversation_events (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, accept_time,
    channel_time, channel_data, dispatch)
  SELECT a."projectId", a.id, a."appId", a."conversationId", a."contactId", 'TO_APP', a.channel, a.identity, a.content, a."acceptTime",
    a.at, a.details, coalesce(a.dispatch, false)
  FROM jsonb_to_recordset($1::jsonb) AS a("projectId" text, id text, "appId" text, "conversationId" text, "contactId" text, channel text,
    identity text, content jsonb, "acceptTime" timestamptz, at timestamptz, details jsonb, dispatch boolean)
  ORDER BY a.id
  RETURNING *`;

/** A conversation may begin with an event, and has its channel then. Only those who come back by a link move it in the inbox. */
const TOUCH = `
  UPDATE conversations c SET
    active_channel = CASE WHEN c.active_channel = 'CHANNEL_UNSPECIFIED' THEN a.channel ELSE c.active_channel END,
    last_activity = greatest(c.last_activity, a."movedAt"),
    last_contact_message_at = greatest(c.last_contact_message_at, a."openedAt"),
    updated_at = now()
  FROM jsonb_to_recordset($1::jsonb) AS a("projectId" text, id text, channel text, "movedAt" timestamptz, "openedAt" timestamptz)
  WHERE c.project_id = a."projectId" AND c.id = a.id
    AND (c.active_channel = 'CHANNEL_UNSPECIFIED' OR a."movedAt" > c.last_activity
      OR a."openedAt" > coalesce(c.last_contact_message_at, '-infinity'))
  RETURNING c.*`;

/** Stores what people did, in conversations that are locked, and gives the events that tell of it, in the same order. */
export async function addContactActs(
  tx: EntityManager,
  acts: readonly ContactAct[],
  conversations: Map<string, Conversation>,
): Promise<NewEvent[]> {
  if (acts.length === 0) return [];
  const acceptTime = new Date();
  const rows = acts.filter(({ told }) => told).map((act) => ({ ...act, id: newId(), acceptTime }));
  const stored = rows.length > 0 ? await queryRows<StoredAct>(tx, INSERT, [JSON.stringify(rows)]) : [];
  const touched = [...Map.groupBy(acts, ({ conversationId }) => conversationId)].map(([id, done]) => ({
    projectId: done[0]?.projectId,
    id,
    channel: done[0]?.channel,
    movedAt: done.some(({ content }) => isReturn(content)) ? acceptTime : null,
    openedAt: latestOpening(done, acceptTime),
  }));
  for (const conversation of await queryRows<Conversation>(tx, TOUCH, [JSON.stringify(touched)]))
    conversations.set(conversation.id, conversation);
  return stored
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((event) => ({
      projectId: event.projectId,
      appId: event.appId,
      kind: 'event.added',
      conversationId: event.conversationId,
      contactId: event.contactId,
      payload: {
        event: snapshotOf(event),
        conversation: snapshotOf(conversations.get(event.conversationId) ?? {}),
      },
    }));
}

function isReturn(content: ContactSideEvent): boolean {
  return (
    'contact_message_event' in content &&
    content.contact_message_event.shortlink_activated_event !== undefined
  );
}

/** To react is to be there, as to write is; nothing else that people do beside speaking. */
function opensWindow(content: ContactSideEvent): boolean {
  if (isReturn(content)) return true;
  if (!('contact_message_event' in content)) return false;
  return content.contact_message_event.reaction_event?.action === 'REACTION_ACTION_REACT';
}

/** A time in the future would hold the window open for ever. */
function latestOpening(acts: readonly ContactAct[], now: Date): Date | null {
  const times = acts.flatMap(({ at, content }) =>
    opensWindow(content) ? [Math.min((at ?? now).getTime(), now.getTime())] : [],
  );
  return times.length === 0 ? null : new Date(Math.max(...times));
}
