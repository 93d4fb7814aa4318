import type { EntityManager } from 'typeorm';
import { normalIdentity } from '../contacts/identities.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { queryRows } from '../database/rows.js';
import { invalid } from '../errors.js';
import type { ChannelAddress } from './command.js';
import type { InjectedIdentityInput } from './inject.input.js';

const OWNS = `
  SELECT FROM channel_identities
  WHERE project_id = $1 AND contact_id = $2 AND channel = $3 AND app_id IN ('', $4) AND identity = $5`;

/** Of whom the request says that it is, where that is the person of the conversation. @throws DomainError INVALID_ARGUMENT */
export async function identityIn(
  tx: Pick<EntityManager, 'query'>,
  { projectId, appId, contactId }: Conversation,
  { channel, identity, appId: givenApp }: InjectedIdentityInput,
): Promise<ChannelAddress> {
  const address = { channel, identity: normalIdentity(channel, identity) } as ChannelAddress;
  const values = [projectId, contactId, channel, appId, address.identity];
  const ofApp = givenApp === undefined || givenApp === '' || givenApp === appId;
  if (ofApp && (await queryRows(tx, OWNS, values)).length > 0) return address;
  throw invalid(
    'channelIdentity',
    'exists',
    'channelIdentity must be one of the contact of the conversation',
  );
}

/** @throws DomainError INVALID_ARGUMENT */
export function assertContact(conversation: Conversation, contactId: string): void {
  if (contactId === conversation.contactId) return;
  throw invalid('contactId', 'exists', 'contactId must be the contact of the conversation');
}
