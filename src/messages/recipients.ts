import type { EntityManager } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import type { Person } from '../conversations/people.js';
import { queryRows } from '../database/rows.js';
import { DomainError, notFound } from '../errors.js';
import type { SendCommand } from './command.js';

interface ContactRow {
  index: number;
  channel: ConversationChannel | null;
  identity: string | null;
}

const APPS = `
  SELECT a.project_id, a.id AS app_id, coalesce(array_agg(ch.channel ORDER BY ch.created_at) FILTER (WHERE ch.id IS NOT NULL), '{}') AS channels
  FROM (SELECT DISTINCT k."projectId", k."appId" FROM jsonb_to_recordset($1::jsonb) AS k("projectId" text, "appId" text)) k
  JOIN apps a ON a.project_id = k."projectId" AND a.id = k."appId"
  LEFT JOIN channels ch ON ch.project_id = a.project_id AND ch.app_id = a.id
  GROUP BY a.project_id, a.id`;

const CONTACTS = `
  SELECT k.index, i.channel, i.identity
  FROM jsonb_to_recordset($1::jsonb) AS k(index int, "projectId" text, "appId" text, "contactId" text)
  JOIN contacts c ON c.project_id = k."projectId" AND c.id = k."contactId"
  LEFT JOIN channel_identities i ON i.project_id = c.project_id AND i.contact_id = c.id AND i.app_id IN ('', k."appId")
  ORDER BY k.index, array_position(c.channel_priority, i.channel), i.position`;

/** Whom each command speaks to and by which channel, or why it cannot. */
export async function findRecipients(
  tx: Pick<EntityManager, 'query'>,
  commands: readonly SendCommand[],
): Promise<(Person | DomainError)[]> {
  const keys = commands.map(({ projectId, appId }) => ({ projectId, appId }));
  const apps = await queryRows<{ projectId: string; appId: string; channels: ConversationChannel[] }>(
    tx,
    APPS,
    [JSON.stringify(keys)],
  );
  const channels = new Map(apps.map((app) => [`${app.projectId} ${app.appId}`, app.channels]));
  const contacts = await identitiesOfContacts(tx, commands);
  return commands.map((command, index) => {
    const connected = channels.get(`${command.projectId} ${command.appId}`);
    if (!connected) return notFound('app', command.appId);
    const identities = 'contactId' in command.recipient ? contacts.get(index) : command.recipient.identities;
    if (!identities)
      return notFound('contact', 'contactId' in command.recipient ? command.recipient.contactId : '');
    return choose(command, connected, identities);
  });
}

async function identitiesOfContacts(
  tx: Pick<EntityManager, 'query'>,
  commands: readonly SendCommand[],
): Promise<Map<number, { channel: ConversationChannel; identity: string }[]>> {
  const asked = commands.flatMap(({ projectId, appId, recipient }, index) =>
    'contactId' in recipient ? [{ index, projectId, appId, contactId: recipient.contactId }] : [],
  );
  const found = new Map<number, { channel: ConversationChannel; identity: string }[]>();
  if (asked.length === 0) return found;
  for (const { index, channel, identity } of await queryRows<ContactRow>(tx, CONTACTS, [
    JSON.stringify(asked),
  ])) {
    const identities = found.get(index) ?? [];
    if (channel && identity) identities.push({ channel, identity });
    found.set(index, identities);
  }
  return found;
}

/** The first channel of the asked order on which the person can be reached. */
function choose(
  command: SendCommand,
  connected: ConversationChannel[],
  identities: { channel: ConversationChannel; identity: string }[],
): Person | DomainError {
  const { projectId, appId } = command;
  const lacking = command.channelPriorityOrder.find((channel) => !connected.includes(channel));
  if (lacking)
    return new DomainError(
      'FAILED_PRECONDITION',
      `app ${appId} has no ${lacking} channel: connect it, or leave it out of the channel priority order`,
    );
  const order =
    command.channelPriorityOrder.length > 0
      ? command.channelPriorityOrder
      : identities.map((identity) => identity.channel);
  for (const channel of order) {
    const identity = identities.find((candidate) => candidate.channel === channel);
    if (identity && connected.includes(channel))
      return { projectId, appId, channel, identity: identity.identity };
  }
  if (identities.length === 0 || command.channelPriorityOrder.length > 0) {
    return new DomainError(
      'FAILED_PRECONDITION',
      'the contact has no identity on any channel that the message may take',
    );
  }
  return new DomainError(
    'FAILED_PRECONDITION',
    `app ${appId} has none of the recipient's channels (${[...new Set(order)].join(', ')}): connect one first`,
  );
}
