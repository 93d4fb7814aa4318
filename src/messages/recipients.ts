import type { EntityManager } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import type { Person } from '../conversations/people.js';
import { prepared } from '../database/prepared.js';
import { queryRows } from '../database/rows.js';
import { DomainError, invalid, notFound } from '../errors.js';
import type { ChannelAddress, SendCommand } from './command.js';

interface ContactRow {
  index: number;
  channel: ConversationChannel | null;
  identity: string | null;
}

/** What tells whom a command is for. */
type Asked = Pick<SendCommand, 'projectId' | 'appId' | 'recipient' | 'channelPriorityOrder' | 'dispatchOnly'>;

interface AppRow {
  projectId: string;
  appId: string;
  dispatch: boolean;
  forgets: boolean;
  channels: ConversationChannel[];
}

/** Whom a command speaks to: first by this channel, and when it fails by the others, in order. */
export interface Addressee extends Person {
  dispatch: boolean;
  /** In DISPATCH mode, whether the app keeps nothing of what was exchanged. */
  forgets: boolean;
  others: ChannelAddress[];
}

const APPS = prepared(`
  SELECT a.project_id, a.id AS app_id, a.processing_mode = 'DISPATCH' AS dispatch, a.dispatch_retention_days = 0 AS forgets, coalesce(array_agg(ch.channel ORDER BY ch.created_at) FILTER (WHERE ch.id IS NOT NULL), '{}') AS channels
  FROM (SELECT DISTINCT k."projectId", k."appId" FROM jsonb_to_recordset($1::jsonb) AS k("projectId" text, "appId" text)) k
  JOIN apps a ON a.project_id = k."projectId" AND a.id = k."appId"
  LEFT JOIN channels ch ON ch.project_id = a.project_id AND ch.app_id = a.id
  GROUP BY a.project_id, a.id`);

/** Where the conversation is, then what the contact prefers, then the app's own order. */
const CONTACTS = prepared(`
  SELECT k.index, i.channel, i.identity
  FROM jsonb_to_recordset($1::jsonb) AS k(index int, "projectId" text, "appId" text, "contactId" text)
  JOIN contacts c ON c.project_id = k."projectId" AND c.id = k."contactId"
  LEFT JOIN channel_identities i ON i.project_id = c.project_id AND i.contact_id = c.id AND i.app_id IN ('', k."appId")
  LEFT JOIN conversations v ON v.project_id = c.project_id AND v.app_id = k."appId" AND v.contact_id = c.id AND v.active
  LEFT JOIN channels ch ON ch.project_id = c.project_id AND ch.app_id = k."appId" AND ch.channel = i.channel
  LEFT JOIN apps a ON a.project_id = c.project_id AND a.id = k."appId"
  ORDER BY k.index, i.channel IS DISTINCT FROM v.active_channel, array_position(c.channel_priority, i.channel), array_position(a.channel_order, i.channel), ch.created_at, i.position`);

/** Whom each command speaks to and by which channel, or why it cannot. */
export async function findRecipients(
  tx: Pick<EntityManager, 'query'>,
  commands: readonly Asked[],
): Promise<(Addressee | DomainError)[]> {
  const keys = commands.map(({ projectId, appId }) => ({ projectId, appId }));
  const rows = await queryRows<AppRow>(tx, APPS, [JSON.stringify(keys)]);
  const apps = new Map(rows.map((app) => [`${app.projectId} ${app.appId}`, app]));
  const contacts = await identitiesOfContacts(tx, commands);
  return commands.map((command, index) => {
    const app = apps.get(`${command.projectId} ${command.appId}`);
    if (!app) return notFound('app', command.appId);
    if ('contactId' in command.recipient && isDispatch(command, app)) {
      const why = 'recipient must be identifiedBy channel identities: in DISPATCH mode there are no contacts';
      return invalid('recipient.contactId', 'mode', why);
    }
    const identities = 'contactId' in command.recipient ? contacts.get(index) : command.recipient.identities;
    if (!identities)
      return notFound('contact', 'contactId' in command.recipient ? command.recipient.contactId : '');
    return choose(command, app, identities);
  });
}

async function identitiesOfContacts(
  tx: Pick<EntityManager, 'query'>,
  commands: readonly Asked[],
): Promise<Map<number, ChannelAddress[]>> {
  const asked = commands.flatMap(({ projectId, appId, recipient }, index) =>
    'contactId' in recipient ? [{ index, projectId, appId, contactId: recipient.contactId }] : [],
  );
  const found = new Map<number, ChannelAddress[]>();
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

/** The channels of the asked order on which the person can be reached. */
function choose(command: Asked, app: AppRow, identities: ChannelAddress[]): Addressee | DomainError {
  const { projectId, appId } = command;
  const connected = app.channels;
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
  const [first, ...others] = [...new Set(order)].flatMap((channel) => {
    const identity = identities.find((candidate) => candidate.channel === channel)?.identity;
    return identity !== undefined && connected.includes(channel) ? [{ channel, identity }] : [];
  });
  const dispatch = isDispatch(command, app);
  if (first) return { projectId, appId, ...first, others, dispatch, forgets: app.forgets };
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

function isDispatch({ dispatchOnly }: Asked, app: AppRow): boolean {
  return dispatchOnly === true || app.dispatch;
}
