import type { DataSource } from 'typeorm';
import type { Contact } from '../contacts/contact.entity.js';
import { readProfiles } from '../contacts/profiles.js';
import type { ConversationEvent } from '../conversation-events/conversation-event.entity.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { queryRows } from '../database/rows.js';
import type { MediaService } from '../media/media.service.js';
import type { Message } from '../messages/message.entity.js';
import type { Note } from '../notes/note.js';
import { contactWire } from '../wire/contact.js';
import { identityWire, wireTime } from '../wire/row.js';
import {
  type Consent,
  consentOf,
  type ConsentRecord,
  consentRecord,
  conversationRecord,
  eventRecord,
  mediaRecord,
  messageRecord,
  noteRecord,
  type Wire,
} from './export-records.js';

/** Rows that are in memory at a time; a history may have millions. */
const BATCH = 200;

const CONVERSATIONS = `
  SELECT * FROM conversations WHERE project_id = $1 AND contact_id = $2 AND id > $3 ORDER BY id LIMIT ${BATCH}`;

/** What lists of those who do not want to be written to they are on, and how that came about. */
const ofIdentities = (table: string): string =>
  `channel_identities i JOIN ${table} c USING (project_id, channel, app_id, identity) WHERE i.project_id = $1 AND i.contact_id = $2`;
const CONSENTS = `SELECT c.* FROM ${ofIdentities('consents')} ORDER BY c.app_id, c.channel, c.identity, c.list_type`;
const CONSENT_RECORDS = `SELECT c.* FROM ${ofIdentities('consent_records')} AND c.id > $3 ORDER BY c.id LIMIT ${BATCH}`;

const MESSAGES = inConversation('messages', 'AND NOT erased');
const EVENTS = inConversation('conversation_events');
const NOTES = inConversation('notes');

/** What belongs to a conversation, in order. */
function inConversation(table: string, condition = ''): string {
  return `
    SELECT * FROM ${table} WHERE project_id = $1 AND conversation_id = $2 AND id > $3 ${condition} ORDER BY id LIMIT ${BATCH}`;
}

/**
 * All that is kept of a person, as pieces of one JSON object in the Conversation API's own names:
 * `{exported_at, contact, profiles: [], consents: [], consent_records: [], conversations: [{…, messages: [{…, media: []}], events: [], notes: []}]}`.
 * It is read as it is taken, batch by batch: a slow reader costs no memory.
 */
export async function* exportOf(
  dataSource: DataSource,
  media: MediaService,
  contact: Contact,
): AsyncGenerator<string, void, void> {
  const { projectId, id } = contact;
  yield opened(await headOf(dataSource, contact), 'consent_records');
  yield* listed(batchesOf<ConsentRecord>(dataSource, CONSENT_RECORDS, [projectId, id]), (records) =>
    records.map(consentRecord),
  );
  yield '],"conversations":[';
  let separator = '';
  for await (const conversations of batchesOf<Conversation>(dataSource, CONVERSATIONS, [projectId, id])) {
    for (const conversation of conversations) {
      const key = [projectId, conversation.id];
      yield separator + opened(conversationRecord(conversation), 'messages');
      yield* listed(batchesOf<Message>(dataSource, MESSAGES, key), async (messages) => {
        const ids = messages.map((message) => message.id);
        const mediaOfMessages = await media.ofMessages(projectId, ids);
        return messages.map((message) =>
          messageRecord(
            message,
            (mediaOfMessages.get(message.id) ?? []).map((row) => mediaRecord(row, media.urlOf(row))),
          ),
        );
      });
      yield '],"events":[';
      yield* listed(batchesOf<ConversationEvent>(dataSource, EVENTS, key), (events) =>
        events.map(eventRecord),
      );
      yield '],"notes":[';
      yield* listed(batchesOf<Note>(dataSource, NOTES, key), (notes) => notes.map(noteRecord));
      yield ']}';
      separator = ',\n';
    }
  }
  yield ']}\n';
}

async function headOf(dataSource: DataSource, contact: Contact): Promise<Wire> {
  const { projectId, id } = contact;
  const [identities = []] = await readProfiles(dataSource.manager, projectId, [id]);
  const consents = await queryRows<Consent>(dataSource.manager, CONSENTS, [projectId, id]);
  return {
    exported_at: wireTime(new Date()),
    contact: {
      ...contactWire({ ...contact, channelIdentities: identities }),
      created_at: wireTime(contact.createdAt),
      updated_at: wireTime(contact.updatedAt),
    },
    profiles: identities.map((identity) => ({
      channel_identity: identityWire({ ...identity }),
      profile: identity.profile,
    })),
    consents: consents.map(consentOf),
  };
}

/** An object whose last member is a list that is still to come. */
function opened(record: Wire, list: string): string {
  return `${JSON.stringify(record).slice(0, -1)},${JSON.stringify(list)}:[`;
}

/** The members of a list, with commas in between. */
async function* listed<T>(
  batches: AsyncIterable<T[]>,
  recordsOf: (rows: T[]) => Wire[] | Promise<Wire[]>,
): AsyncGenerator<string, void, void> {
  let separator = '';
  for await (const rows of batches) {
    const records = await recordsOf(rows);
    yield separator + records.map((record) => JSON.stringify(record)).join(',\n');
    separator = ',\n';
  }
}

/** Never an empty batch. */
async function* batchesOf<T extends { id: string }>(
  dataSource: DataSource,
  sql: string,
  key: string[],
): AsyncGenerator<T[], void, void> {
  for (let last = ''; ;) {
    const rows = await queryRows<T>(dataSource.manager, sql, [...key, last]);
    const end = rows.at(-1);
    if (!end) return;
    yield rows;
    if (rows.length < BATCH) return;
    last = end.id;
  }
}
