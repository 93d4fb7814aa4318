import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { matchingIds, searchOf } from '../words/matches.js';

/** Of the messages and of the contacts that match, as many of the latest count. */
const MOST = 1_000;

const NEWEST = { position: null, descending: true };

const OF_MESSAGES = `
  SELECT DISTINCT conversation_id AS id FROM messages WHERE project_id = $1 AND id = ANY($2)`;

const OF_CONTACTS = `
  SELECT id FROM conversations WHERE project_id = $1 AND app_id = $2 AND contact_id = ANY($3) ORDER BY id DESC LIMIT ${MOST}`;

/**
 * The app's conversations whose contact or messages have the words of a text; null for a text that is empty.
 * @throws DomainError INVALID_ARGUMENT
 */
export async function findTalkingOf(
  tx: Pick<EntityManager, 'query'>,
  { projectId, appId }: { projectId: string; appId: string },
  text: string,
): Promise<string[] | null> {
  if (text.trim() === '') return null;
  const said = searchOf({ projectId, appId }, text, 'filter.text');
  const known = searchOf({ projectId }, text, 'filter.text');
  if (!said || !known) return [];
  const messages = await matchingIds(tx, 'message', said, NEWEST, MOST);
  const contacts = await matchingIds(tx, 'contact', known, NEWEST, MOST);
  const found = [
    ...(await queryRows<{ id: string }>(tx, OF_MESSAGES, [projectId, messages])),
    ...(await queryRows<{ id: string }>(tx, OF_CONTACTS, [projectId, appId, contacts])),
  ];
  return [...new Set(found.map(({ id }) => id))];
}
