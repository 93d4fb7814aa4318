import type { EntityManager } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import { queryRows } from '../database/rows.js';
import { DomainError, invalid } from '../errors.js';
import type { ChannelIdentity } from './contact.entity.js';
import type { ChannelIdentityInput } from './contacts.input.js';

/** Channels on which a person has another identity with every app. */
const APP_SCOPED = new Set(['MESSENGER', 'INSTAGRAM', 'LINE', 'WECHAT']);
/** Channels whose identities are phone numbers. */
const PHONE = new Set(['SMS', 'MMS', 'RCS', 'WHATSAPP', 'VIBERBM']);

/** Of which one is all, where phone numbers are one contact. Source: Conversation API, project settings. */
const UNIFIED: ConversationChannel[] = ['SMS', 'RCS', 'MMS'];

/** An identity as it is stored. */
export interface Identity {
  channel: ConversationChannel;
  identity: string;
  appId: string;
}

export function isPhoneChannel(channel: string): boolean {
  return PHONE.has(channel);
}

/** Phone numbers are kept without the plus. */
export function normalIdentity(channel: string, identity: string): string {
  return isPhoneChannel(channel) ? identity.replace(/^\+/, '') : identity;
}

/** @throws DomainError INVALID_ARGUMENT for a missing app and for doubles. */
export function identitiesFrom(inputs: readonly ChannelIdentityInput[]): Identity[] {
  const seen = new Set<string>();
  return inputs.map(({ channel, identity, appId }, index) => {
    const path = `channelIdentities[${index}]`;
    if (APP_SCOPED.has(channel) && !appId) {
      throw invalid(
        `${path}.appId`,
        'required',
        `an identity on ${channel} needs the app that it belongs to`,
      );
    }
    const kept = {
      channel: channel as ConversationChannel,
      identity: normalIdentity(channel, identity),
      appId: APP_SCOPED.has(channel) ? (appId ?? '') : '',
    };
    const key = JSON.stringify(Object.values(kept));
    if (seen.has(key)) throw invalid(path, 'unique', `${channel} ${identity} is listed twice`);
    seen.add(key);
    return kept;
  });
}

export function hasUnifiable(identities: readonly Identity[]): boolean {
  return identities.some(({ channel }) => UNIFIED.includes(channel));
}

/** With a phone number on one of the channels where it is the same contact goes that number on the others, at the end. */
export function unifiedIdentities(identities: readonly Identity[]): Identity[] {
  const numbers = identities
    .filter(({ channel }) => UNIFIED.includes(channel))
    .map(({ identity }) => identity);
  const wanted = [...new Set(numbers)].flatMap((identity) =>
    UNIFIED.map((channel) => ({ channel, identity, appId: '' })),
  );
  const missing = wanted.filter(
    ({ channel, identity }) =>
      !identities.some((known) => known.channel === channel && known.identity === identity),
  );
  return [...identities, ...missing];
}

const REMOVE_OTHERS = `
  DELETE FROM channel_identities i WHERE i.project_id = $1 AND i.contact_id = $2 AND NOT EXISTS (
    SELECT FROM jsonb_to_recordset($3::jsonb) AS n(channel text, identity text, "appId" text)
    WHERE n.channel = i.channel AND n.identity = i.identity AND n."appId" = i.app_id)`;

/** In one order for all, so that two contacts that swap identities wait for each other instead of deadlocking. */
const PUT = `
  INSERT INTO channel_identities AS i (project_id, channel, app_id, identity, contact_id, position)
  SELECT $1, n.channel, n."appId", n.identity, $2, n.position
  FROM ROWS FROM (jsonb_to_recordset($3::jsonb) AS (channel text, identity text, "appId" text))
    WITH ORDINALITY AS n(channel, identity, "appId", position)
  ORDER BY n.channel, n."appId", n.identity
  ON CONFLICT (project_id, channel, app_id, identity) DO UPDATE SET position = excluded.position
    WHERE i.contact_id = excluded.contact_id
  RETURNING i.*`;

/** Makes these the contact's identities, in this order. @throws DomainError ALREADY_EXISTS when one belongs to somebody else. */
export async function replaceIdentities(
  tx: EntityManager,
  projectId: string,
  contactId: string,
  identities: readonly Identity[],
): Promise<void> {
  const list = JSON.stringify(identities);
  await tx.query(REMOVE_OTHERS, [projectId, contactId, list]);
  const put = await queryRows<ChannelIdentity>(tx, PUT, [projectId, contactId, list]);
  const index = identities.findIndex(
    (wanted) =>
      !put.some(
        (row) =>
          row.channel === wanted.channel && row.identity === wanted.identity && row.appId === wanted.appId,
      ),
  );
  const taken = identities[index];
  if (!taken) return;
  const message = `${taken.channel} ${taken.identity} belongs to another contact; merge the two or leave it out`;
  throw new DomainError('ALREADY_EXISTS', message, [
    { path: `channelIdentities[${index}]`, rule: 'unique', message },
  ]);
}

/** The identities of each contact, in the order of `contactIds`. */
export async function readIdentities(
  tx: Pick<EntityManager, 'query'>,
  projectId: string,
  contactIds: readonly string[],
): Promise<Identity[][]> {
  const rows = await queryRows<ChannelIdentity>(
    tx,
    `SELECT channel, identity, app_id, contact_id FROM channel_identities
     WHERE project_id = $1 AND contact_id = ANY($2) ORDER BY position, channel, identity`,
    [projectId, contactIds],
  );
  const byContact = Map.groupBy(rows, (row) => row.contactId);
  return contactIds.map((id) =>
    (byContact.get(id) ?? []).map(({ channel, identity, appId }) => ({ channel, identity, appId })),
  );
}
