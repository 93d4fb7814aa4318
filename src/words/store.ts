import type { EntityManager } from 'typeorm';
import type { AppMessage } from '../content/app-message.js';
import type { ContactMessage } from '../content/contact-message.js';
import { textsOf } from '../content/said.js';
import { prepared } from '../database/prepared.js';
import { indexedWords } from './fold.js';
import { markOf } from './matches.js';

/** What of a message is searched. */
export interface SaidMessage {
  projectId: string;
  appId: string;
  id: string;
  content: AppMessage | ContactMessage;
  channelData?: Record<string, unknown> | null;
}

/** What of a contact is searched. */
export interface KnownContact {
  projectId: string;
  id: string;
  displayName: string;
  email: string;
  externalId: string;
  channelIdentities: { identity: string }[];
}

/** `keep`: what is stored already is newer. */
export type Clash = 'replace' | 'keep';

interface Row {
  projectId: string;
  id: string;
  words: string[];
}

const ON_CLASH: Readonly<Record<Clash, string>> = {
  replace: 'UPDATE SET words = excluded.words WHERE w.words <> excluded.words',
  keep: 'NOTHING',
};

/** In one order for all, so that two that store the same wait for each other instead of deadlocking. */
const storeMessages = (clash: Clash): string => `
  INSERT INTO message_words AS w (project_id, message_id, app_id, words)
  SELECT n."projectId", n.id, n."appId", array_to_tsvector(n.words)
  FROM jsonb_to_recordset($1::jsonb) AS n("projectId" text, id text, "appId" text, words text[])
  ORDER BY 1, 2
  ON CONFLICT (project_id, message_id) DO ${ON_CLASH[clash]}`;

const storeContacts = (clash: Clash): string => `
  INSERT INTO contact_words AS w (project_id, contact_id, words)
  SELECT n."projectId", n.id, array_to_tsvector(n.words)
  FROM jsonb_to_recordset($1::jsonb) AS n("projectId" text, id text, words text[])
  ORDER BY 1, 2
  ON CONFLICT (project_id, contact_id) DO ${ON_CLASH[clash]}`;

const STORE_MESSAGES: Readonly<Record<Clash, string>> = {
  replace: prepared(storeMessages('replace')),
  keep: storeMessages('keep'),
};

/** Has messages be found by what they say, and by nothing else. */
export async function storeMessageWords(
  tx: Pick<EntityManager, 'query'>,
  messages: readonly SaidMessage[],
  clash: Clash = 'replace',
): Promise<void> {
  const rows = messages.map(({ projectId, appId, id, content, channelData }) => ({
    ...{ projectId, appId, id },
    words: marked(markOf({ projectId, appId }), textsOf(content, channelData)),
  }));
  await store(tx, STORE_MESSAGES[clash], rows);
}

/** Has contacts be found by their names, addresses and identities. */
export async function storeContactWords(
  tx: Pick<EntityManager, 'query'>,
  contacts: readonly KnownContact[],
  clash: Clash = 'replace',
): Promise<void> {
  const rows = contacts.map((contact) => {
    const { projectId, id, displayName, email, externalId, channelIdentities } = contact;
    const texts = [displayName, email, externalId, ...channelIdentities.map(({ identity }) => identity)];
    return { projectId, id, words: marked(markOf({ projectId }), texts) };
  });
  await store(tx, storeContacts(clash), rows);
}

async function store(tx: Pick<EntityManager, 'query'>, sql: string, rows: readonly Row[]): Promise<void> {
  if (rows.length > 0) await tx.query(sql, [JSON.stringify(rows)]);
}

function marked(mark: string, texts: readonly string[]): string[] {
  return indexedWords(texts).map((word) => mark + word);
}
