import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { AppsService } from '../apps/apps.service.js';
import type { Channel } from '../channels/channel.entity.js';
import { ChannelsService } from '../channels/channels.service.js';
import { readIdentities } from '../contacts/identities.js';
import { queryRows } from '../database/rows.js';
import { DomainError, notFound } from '../errors.js';
import type { NewEvent } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import type { Recipient } from '../messages/command.js';

/** Who is asked about. */
export interface CapabilityQuestion {
  projectId: string;
  appId: string;
  recipient: Recipient;
  requestId: string;
}

interface KnownIdentity {
  channel: string;
  identity: string;
  contactId: string;
}

const FIND = `
  SELECT i.channel, i.identity, i.contact_id FROM channel_identities i
  JOIN jsonb_to_recordset($3::jsonb) AS n(channel text, identity text) ON n.channel = i.channel AND n.identity = i.identity
  WHERE i.project_id = $1 AND i.app_id IN ('', $2)`;

/** Tells, by the CAPABILITY webhook, on which of its channels an app can reach somebody. */
@Injectable()
export class CapabilityService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
    private readonly apps: AppsService,
    private readonly channels: ChannelsService,
  ) {}

  /**
   * One report for each identity of the recipient. A channel that cannot know counts as capable, so that a fallback goes on working.
   * Source: Conversation API, capability:query.
   * @throws DomainError NOT_FOUND (app, contact), FAILED_PRECONDITION for somebody who is not a contact.
   */
  async report({ projectId, appId, recipient, requestId }: CapabilityQuestion): Promise<void> {
    await this.apps.get(projectId, appId);
    const identities = await this.identitiesOf(projectId, appId, recipient);
    if (identities.length === 0)
      throw new DomainError('FAILED_PRECONDITION', 'the recipient is not a contact of the project');
    const [connected = []] = await this.channels.listByApps(projectId, [appId]);
    const events = identities.map(({ channel, identity, contactId }): NewEvent => {
      const verdict = verdictOn(connected.find((candidate) => candidate.channel === channel));
      const capability = { requestId, contactId, channel, identity, ...verdict };
      return { projectId, appId, kind: 'capability.reported', contactId, payload: { capability } };
    });
    await this.dataSource.transaction((tx) => this.log.record(tx, events));
  }

  private async identitiesOf(
    projectId: string,
    appId: string,
    recipient: Recipient,
  ): Promise<KnownIdentity[]> {
    const { manager } = this.dataSource;
    if ('identities' in recipient)
      return queryRows<KnownIdentity>(manager, FIND, [
        projectId,
        appId,
        JSON.stringify(recipient.identities),
      ]);
    const { contactId } = recipient;
    const found = await queryRows(manager, 'SELECT id FROM contacts WHERE project_id = $1 AND id = $2', [
      projectId,
      contactId,
    ]);
    if (found.length === 0) throw notFound('Contact', contactId);
    const [identities = []] = await readIdentities(manager, projectId, [contactId]);
    return identities
      .filter((identity) => identity.appId === '' || identity.appId === appId)
      .map(({ channel, identity }) => ({ channel, identity, contactId }));
  }
}

function verdictOn(channel: Channel | undefined): { status: string; reason?: object } {
  if (!channel) return unable('CHANNEL_CONFIGURATION_MISSING', 'the app has no such channel');
  if (channel.state === 'NEEDS_REAUTH')
    return unable('INACTIVE_CREDENTIAL', channel.lastError ?? 'the channel needs a new token');
  return { status: 'CAPABILITY_FULL' };
}

function unable(code: string, description: string): { status: string; reason: object } {
  return { status: 'NO_CAPABILITY', reason: { code, description, sub_code: 'UNSPECIFIED_SUB_CODE' } };
}
