import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { AppsService } from '../apps/apps.service.js';
import type { ConversationChannel, ProfileOutcome } from '../channels/channel.js';
import { ChannelsService } from '../channels/channels.service.js';
import { ChannelRegistry } from '../channels/registry.js';
import { readIdentities } from '../contacts/identities.js';
import { DomainError, notFound } from '../errors.js';
import type { Recipient } from '../messages/command.js';

const PATIENCE_MS = 10_000;

/** Somebody, and where to ask. */
export interface ProfileQuestion {
  projectId: string;
  appId: string;
  channel: ConversationChannel;
  recipient: Recipient;
}

/** Asks a channel, while the caller waits, what somebody is called there. */
@Injectable()
export class ChannelProfileService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly apps: AppsService,
    private readonly channels: ChannelsService,
    private readonly registry: ChannelRegistry,
  ) {}

  /**
   * The name that the channel shows. Source: Conversation API, contacts:getChannelProfile.
   * @throws DomainError NOT_FOUND (app, contact), FAILED_PRECONDITION with the reason's code first, UNAVAILABLE.
   */
  async nameOf(question: ProfileQuestion): Promise<string> {
    const { projectId, appId, channel } = question;
    await this.apps.get(projectId, appId);
    const plugin = this.registry.find(channel);
    if (!plugin?.profile)
      throw refused('UNSUPPORTED_OPERATION', `no profiles can be had from ${channel} here`);
    const connection = await this.channels.credentials(projectId, appId, channel);
    if (!connection) throw refused('CHANNEL_CONFIGURATION_MISSING', `app ${appId} has no ${channel} channel`);
    const identity = await this.identityOf(question);
    return nameIn(await plugin.profile(connection, identity, AbortSignal.timeout(PATIENCE_MS)));
  }

  private async identityOf({ projectId, appId, channel, recipient }: ProfileQuestion): Promise<string> {
    const identities =
      'contactId' in recipient
        ? await this.identitiesOf(projectId, recipient.contactId)
        : recipient.identities;
    const found = identities.find(
      (identity) => identity.channel === channel && (!('appId' in identity) || identity.appId === appId),
    );
    if (!found) throw refused('NO_CHANNEL_IDENTITY_FOR_CONTACT', `the recipient is not known on ${channel}`);
    return found.identity;
  }

  private async identitiesOf(
    projectId: string,
    contactId: string,
  ): Promise<{ channel: string; identity: string }[]> {
    const { manager } = this.dataSource;
    const [known] = await manager.query<unknown[]>(
      'SELECT 1 FROM contacts WHERE project_id = $1 AND id = $2',
      [projectId, contactId],
    );
    if (!known) throw notFound('Contact', contactId);
    return (await readIdentities(manager, projectId, [contactId]))[0] ?? [];
  }
}

function nameIn(outcome: ProfileOutcome): string {
  if (outcome.kind === 'profile') {
    const { name, firstName, lastName } = outcome.profile;
    const said = name ?? [firstName, lastName].filter(Boolean).join(' ');
    if (said !== '') return said;
    throw refused('NO_PROFILE_AVAILABLE', 'the channel tells no name');
  }
  const { code, description } = outcome.reason;
  if (outcome.kind === 'transient') throw new DomainError('UNAVAILABLE', `${code}: ${description}`);
  throw refused(code, description);
}

function refused(code: string, why: string): DomainError {
  return new DomainError('FAILED_PRECONDITION', `${code}: ${why}`, [], code);
}
