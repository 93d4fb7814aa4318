import type { EntityManager } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import type { ChannelIdentity, Contact } from '../contacts/contact.entity.js';
import { queryRows } from '../database/rows.js';
import { type NewEvent, snapshotOf } from '../events/event.js';
import { newId } from '../ids.js';
import type { Conversation } from './conversation.entity.js';

/** Somebody on a channel of an app. */
export interface Person {
  projectId: string;
  appId: string;
  channel: ConversationChannel;
  identity: string;
}

export interface Resolved {
  contactId: string;
  conversationId: string;
}

/** Who was found, by `personKey`, and the events of what had to be created, in order. */
export interface Resolution {
  people: Map<string, Resolved>;
  events: NewEvent[];
}

export function personKey(person: Person): string {
  return `${person.projectId} ${person.appId} ${person.channel} ${person.identity}`;
}

type Found = Person & { contactId: string | null; conversationId: string | null };

const PEOPLE = `jsonb_to_recordset($1::jsonb) AS p("projectId" text, "appId" text, channel text, identity text, "contactId" text, "conversationId" text)`;

const FIND = `
  SELECT p."projectId", p."appId", p.channel, p.identity, i.contact_id, c.id AS conversation_id
  FROM ${PEOPLE}
  LEFT JOIN channel_identities i ON i.project_id = p."projectId" AND i.channel = p.channel AND i.app_id = p."appId" AND i.identity = p.identity
  LEFT JOIN conversations c ON c.project_id = p."projectId" AND c.app_id = p."appId" AND c.contact_id = i.contact_id AND c.active`;

/** Two transactions may meet the same new person: the unique key decides, and the loser reads what the winner made. */
const CREATE_IDENTITIES = `
  INSERT INTO channel_identities (project_id, channel, app_id, identity, contact_id)
  SELECT p."projectId", p.channel, p."appId", p.identity, p."contactId" FROM ${PEOPLE}
  ORDER BY 1, 2, 3, 4
  ON CONFLICT DO NOTHING RETURNING *`;

const CREATE_CONTACTS = `
  INSERT INTO contacts (project_id, id, channel_priority)
  SELECT p."projectId", p."contactId", ARRAY[p.channel] FROM ${PEOPLE}
  RETURNING *`;

const CREATE_CONVERSATIONS = `
  INSERT INTO conversations (project_id, id, app_id, contact_id, last_received)
  SELECT p."projectId", p."conversationId", p."appId", p."contactId", now() FROM ${PEOPLE}
  ORDER BY 1, 3, 4
  ON CONFLICT (project_id, app_id, contact_id) WHERE active DO NOTHING RETURNING *`;

/** Finds the contact and the active conversation of each person; makes those that do not exist when `create`. */
export async function resolvePeople(
  tx: EntityManager,
  people: Iterable<Person>,
  create: boolean,
): Promise<Resolution> {
  const wanted = new Map<string, Person>();
  for (const person of people) wanted.set(personKey(person), person);
  const resolution: Resolution = { people: new Map(), events: [] };
  let missing = [...wanted.values()];
  while (missing.length > 0) {
    const found = await queryRows<Found>(tx, FIND, [JSON.stringify(missing)]);
    const incomplete: Found[] = [];
    for (const row of found) {
      if (row.contactId && row.conversationId) {
        resolution.people.set(personKey(row), {
          contactId: row.contactId,
          conversationId: row.conversationId,
        });
      } else if (create) incomplete.push(row);
    }
    missing = incomplete;
    if (incomplete.length > 0) resolution.events.push(...(await createMissing(tx, incomplete)));
  }
  return resolution;
}

async function createMissing(tx: EntityManager, incomplete: Found[]): Promise<NewEvent[]> {
  const events: NewEvent[] = [];
  const unknown = incomplete.filter((row) => !row.contactId).map((row) => ({ ...row, contactId: newId() }));
  if (unknown.length > 0) {
    const identities = await queryRows<ChannelIdentity>(tx, CREATE_IDENTITIES, [JSON.stringify(unknown)]);
    const created = new Map(identities.map((identity) => [identity.contactId, identity]));
    const contacts = await queryRows<Contact>(tx, CREATE_CONTACTS, [
      JSON.stringify(unknown.filter((row) => created.has(row.contactId))),
    ]);
    for (const contact of contacts) {
      const identity = created.get(contact.id);
      if (!identity) continue;
      const { projectId, appId } = identity;
      const channelIdentities = [{ channel: identity.channel, identity: identity.identity, appId }];
      events.push({
        projectId,
        appId,
        kind: 'contact.created',
        contactId: contact.id,
        payload: { contact: { ...snapshotOf(contact), channelIdentities } },
      });
    }
  }
  const winners = new Set(events.map((event) => event.contactId));
  const ready = [
    ...incomplete.filter((row) => row.contactId),
    ...unknown.filter((row) => winners.has(row.contactId)),
  ].map((row) => ({ ...row, conversationId: newId() }));
  const conversations = await queryRows<Conversation>(tx, CREATE_CONVERSATIONS, [
    JSON.stringify(onePerContact(ready)),
  ]);
  for (const conversation of conversations) {
    const { projectId, appId, id, contactId } = conversation;
    events.push({
      projectId,
      appId,
      kind: 'conversation.started',
      conversationId: id,
      contactId,
      payload: { conversation: snapshotOf(conversation) },
    });
  }
  return events;
}

/** A contact may be met on two identities at once, but gets one conversation an app. */
function onePerContact<T extends Found>(rows: T[]): T[] {
  return [...new Map(rows.map((row) => [`${row.projectId} ${row.appId} ${row.contactId}`, row])).values()];
}
