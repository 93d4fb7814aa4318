import type { EntityManager } from 'typeorm';
import type { ChannelProfile } from '../channels/channel.js';
import type { Contact } from '../contacts/contact.entity.js';
import { languageOf } from '../contacts/languages.js';
import { queryRows } from '../database/rows.js';
import type { Account } from './due-profiles.js';

/** What a channel told of somebody, and what it had told before. */
export interface News {
  identity: string;
  profile: ChannelProfile;
  before: ChannelProfile | null;
}

/**
 * Contacts that somebody is changing are left out instead of waited for: who holds a row and waits for the next would stand in
 * the log before those they waited for.
 */
const LOCK = `
  SELECT i.identity, c.* FROM channel_identities i
  JOIN contacts c ON c.project_id = i.project_id AND c.id = i.contact_id
  WHERE i.project_id = $1 AND i.channel = $2 AND i.app_id = $3 AND i.identity = ANY($4)
  ORDER BY c.id
  FOR NO KEY UPDATE OF c SKIP LOCKED`;

const UPDATE = `
  UPDATE contacts c SET display_name = n."displayName", language = n.language, updated_at = now()
  FROM jsonb_to_recordset($2::jsonb) AS n(id text, "displayName" text, language text)
  WHERE c.project_id = $1 AND c.id = n.id
  RETURNING c.*`;

/**
 * Fills in what nobody else has said of the contacts. Returns those that are changed, or whose profile is, and the identities
 * whose contact could be had.
 */
export async function fillIn(
  tx: EntityManager,
  { projectId, channel, appId }: Account,
  news: readonly News[],
): Promise<{ changed: Contact[]; reached: Set<string> }> {
  const identities = news.map(({ identity }) => identity);
  const rows = await queryRows<Contact & { identity: string }>(tx, LOCK, [
    projectId,
    channel,
    appId,
    identities,
  ]);
  const changes = new Map<string, Pick<Contact, 'id' | 'displayName' | 'language'>>();
  for (const { identity, ...contact } of rows) {
    const told = news.find((item) => item.identity === identity);
    if (!told) continue;
    const { displayName, language } = completed(contact, told);
    const same = displayName === contact.displayName && language === contact.language;
    if (!same || differs(told)) changes.set(contact.id, { id: contact.id, displayName, language });
  }
  const changed =
    changes.size > 0
      ? await queryRows<Contact>(tx, UPDATE, [projectId, JSON.stringify([...changes.values()])])
      : [];
  return { changed, reached: new Set(rows.map(({ identity }) => identity)) };
}

/** A name or language that is not the channel's own from before was set by somebody who knows better. */
export function completed(
  { displayName, language }: Pick<Contact, 'displayName' | 'language'>,
  { profile, before }: Pick<News, 'profile' | 'before'>,
): Pick<Contact, 'displayName' | 'language'> {
  const ours = displayName === '' || displayName === before?.name;
  const told = languageOf(profile.locale ?? '');
  const spoken = language === 'UNSPECIFIED' || language === languageOf(before?.locale ?? '');
  return {
    displayName: ours ? (profile.name ?? displayName) : displayName,
    language: spoken && told !== 'UNSPECIFIED' ? told : language,
  };
}

/** The address of the picture is a new one each time. */
function differs({ profile, before }: News): boolean {
  const facts = (told: ChannelProfile | null): string =>
    JSON.stringify(
      told && [told.name, told.firstName, told.lastName, told.locale, told.timezone, told.gender],
    );
  return facts(profile) !== facts(before) || (profile.pictureUrl === null) !== (before?.pictureUrl == null);
}
