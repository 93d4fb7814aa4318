import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource, type EntityManager } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import type { ChannelIdentity, Contact } from '../contacts/contact.entity.js';
import { prepared } from '../database/prepared.js';
import { queryRows } from '../database/rows.js';
import { type NewEvent, snapshotOf } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { newId } from '../ids.js';
import { ConversationGone, type ConversationKey, lockTalks } from './activity.js';
import type { Conversation } from './conversation.entity.js';

/** Somebody on a channel of an app. */
export interface Person {
  projectId: string;
  appId: string;
  channel: ConversationChannel;
  identity: string;
  /** Whether in DISPATCH mode; as the app is set when absent. */
  dispatch?: boolean;
}

/** People who write now are likely to write again soon. */
const REMEMBERED = 50_000;

/** In DISPATCH mode there is neither: then both name the row that all of theirs hangs on, which nobody is shown. */
export interface Resolved {
  contactId: string;
  conversationId: string;
  dispatch: boolean;
}

/** Who was found, by `personKey`. */
export type Resolution = ReadonlyMap<string, Resolved>;

export function personKey(person: Person): string {
  const mode = person.dispatch == null ? '' : ` ${person.dispatch}`;
  return `${person.projectId} ${person.appId} ${person.channel} ${person.identity}${mode}`;
}

/** `inDispatch` is the mode that it comes to. */
type Found = Person & { contactId: string | null; conversationId: string | null; inDispatch: boolean };

const PEOPLE = `jsonb_to_recordset($1::jsonb) AS p("projectId" text, "appId" text, channel text, identity text, dispatch boolean,
  "contactId" text, "conversationId" text)`;

/** `OFFSET 0` has the two looked up by key, one by one. */
const FIND = prepared(`
  SELECT p."projectId", p."appId", p.channel, p.identity, p.dispatch, mode.dispatch AS in_dispatch,
    coalesce(l.conversation_id, i.contact_id) AS contact_id, coalesce(l.conversation_id, c.id) AS conversation_id
  FROM ${PEOPLE}
  CROSS JOIN LATERAL (SELECT coalesce(p.dispatch, (
    SELECT a.processing_mode = 'DISPATCH' FROM apps a WHERE a.project_id = p."projectId" AND a.id = p."appId"), false) AS dispatch OFFSET 0) mode
  LEFT JOIN LATERAL (
    SELECT l.conversation_id FROM dispatch_lanes l
    WHERE mode.dispatch AND l.project_id = p."projectId" AND l.app_id = p."appId" AND l.channel = p.channel AND l.identity = p.identity
    OFFSET 0) l ON true
  LEFT JOIN LATERAL (
    SELECT i.contact_id FROM channel_identities i
    WHERE NOT mode.dispatch AND i.project_id = p."projectId" AND i.channel = p.channel AND i.app_id = p."appId" AND i.identity = p.identity
    OFFSET 0) i ON true
  LEFT JOIN conversations c ON c.project_id = p."projectId" AND c.app_id = p."appId" AND c.contact_id = i.contact_id AND c.active`);

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

/** A contact who is being merged or erased is waited for, and then not there: the person is looked for anew. */
const CREATE_CONVERSATIONS = `
  INSERT INTO conversations (project_id, id, app_id, contact_id, last_received)
  SELECT p."projectId", p."conversationId", p."appId", p."contactId", now() FROM ${PEOPLE}
  JOIN contacts c ON c.project_id = p."projectId" AND c.id = p."contactId"
  ORDER BY 1, 3, 4 FOR KEY SHARE OF c
  ON CONFLICT (project_id, app_id, contact_id) WHERE active DO NOTHING RETURNING *`;

/** Whoever comes second finds what the first has made. */
const CREATE_LANES = `
  WITH lanes AS (
    INSERT INTO dispatch_lanes (project_id, app_id, channel, identity, conversation_id)
    SELECT p."projectId", p."appId", p.channel, p.identity, p."conversationId" FROM ${PEOPLE}
    ORDER BY 1, 2, 3, 4
    ON CONFLICT DO NOTHING RETURNING *
  )
  INSERT INTO conversations (project_id, id, app_id, dispatch, last_received)
  SELECT project_id, conversation_id, app_id, true, now() FROM lanes`;

/** Finds the contact and the active conversation of each person, as far as they exist. */
export async function findPeople(
  tx: Pick<EntityManager, 'query'>,
  people: Iterable<Person>,
): Promise<Map<string, Resolved>> {
  const { found } = await look(tx, distinct(people));
  return found;
}

/**
 * Makes the contacts and conversations that do not exist yet. In transactions of their own, before the one that writes messages: that one
 * must begin with the locks of its conversations, for the log is ordered by transactions, and one that began to write and then waited for
 * a lock would appear before the one it waited for.
 */
@Injectable()
export class PeopleResolver {
  /** May be out of date: `lock` checks what was found in it. */
  private readonly remembered = new LRUCache<string, Resolved>({ max: REMEMBERED });

  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
  ) {}

  /** The contact and the active conversation of each person. */
  async ensure(people: Iterable<Person>): Promise<Map<string, Resolved>> {
    const resolved = new Map<string, Resolved>();
    let missing: Person[] = [];
    for (const person of distinct(people)) {
      const known = this.remembered.get(personKey(person));
      if (known) resolved.set(personKey(person), known);
      else missing.push(person);
    }
    while (missing.length > 0) {
      const { found, incomplete } = await look(this.dataSource.manager, missing);
      for (const [key, value] of found) {
        resolved.set(key, value);
        this.remembered.set(key, value);
      }
      missing = incomplete;
      if (incomplete.length === 0) break;
      await this.dataSource.transaction(async (tx) =>
        this.log.record(tx, await createMissing(tx, incomplete)),
      );
    }
    return resolved;
  }

  /**
   * Locks the conversations of people whom `ensure` found, and others.
   * @throws ConversationGone when somebody is no longer there; `ensure` then looks anew.
   */
  async lock(
    tx: EntityManager,
    people: Iterable<Person>,
    resolution: Resolution,
    others: readonly ConversationKey[] = [],
  ): Promise<Map<string, Conversation>> {
    const talks = distinct(people).flatMap(({ projectId, appId, channel, identity, dispatch }) => {
      const key = personKey({ projectId, appId, channel, identity, dispatch });
      const resolved = resolution.get(key);
      if (!resolved) return [];
      const { conversationId: id, contactId } = resolved;
      return [{ key, projectId, id, appId, channel, identity, dispatch, contactId }];
    });
    const { conversations, talking } = await lockTalks(tx, [...talks, ...others]);
    // A merge may have given the conversation, and the identity with it, to another contact.
    const gone = talks.filter(
      ({ key, id, contactId }) => !talking.has(key) || (conversations.get(id)?.contactId ?? id) !== contactId,
    );
    for (const { key } of gone) this.remembered.delete(key);
    if (gone[0]) throw new ConversationGone(`conversation ${gone[0].id} is no longer active`);
    return conversations;
  }
}

function distinct(people: Iterable<Person>): Person[] {
  return [...new Map([...people].map((person) => [personKey(person), person])).values()];
}

async function look(
  tx: Pick<EntityManager, 'query'>,
  people: Person[],
): Promise<{ found: Map<string, Resolved>; incomplete: Found[] }> {
  const found = new Map<string, Resolved>();
  const incomplete: Found[] = [];
  if (people.length === 0) return { found, incomplete };
  for (const row of await queryRows<Found>(tx, FIND, [
    JSON.stringify(
      people.map(({ projectId, appId, channel, identity, dispatch }) => ({
        ...{ projectId, appId, channel, identity, dispatch },
      })),
    ),
  ])) {
    const { contactId, conversationId, inDispatch: dispatch } = row;
    if (contactId && conversationId) found.set(personKey(row), { contactId, conversationId, dispatch });
    else incomplete.push(row);
  }
  return { found, incomplete };
}

async function createMissing(tx: EntityManager, missing: Found[]): Promise<NewEvent[]> {
  const lanes = missing.filter((row) => row.inDispatch).map((row) => ({ ...row, conversationId: newId() }));
  if (lanes.length > 0) await tx.query(CREATE_LANES, [JSON.stringify(lanes)]);
  const incomplete = missing.filter((row) => !row.inDispatch);
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
