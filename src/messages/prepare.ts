import type { DataSource } from 'typeorm';
import type { ChannelPayload } from '../channels/channel.js';
import type { ChannelsService } from '../channels/channels.service.js';
import type { ConnectedChannel } from '../channels/connections.js';
import type { ChannelRegistry } from '../channels/registry.js';
import type { AppMessage } from '../content/app-message.js';
import { reason, type Reason } from '../content/reason.js';
import { DomainError } from '../errors.js';
import { TemplateError } from '../templates/template-error.js';
import type { TemplatesService } from '../templates/templates.service.js';
import type { Send } from './claim.js';
import { lastHeardOn, quotedOn } from './history.js';
import { withPostbackData } from './postback-data.js';

/** What is said by which connection. */
export interface Prepared {
  connection: ConnectedChannel;
  payloads: ChannelPayload[];
  /** Null when that is the message's own content. */
  rendered: AppMessage | null;
}

/** Why nothing is said on this channel, before any call. */
export interface Refused {
  refused: Reason;
}

/** Turns a send into what its channel is told. */
export class Preparation {
  constructor(
    private readonly dataSource: DataSource,
    private readonly channels: ChannelsService,
    private readonly registry: ChannelRegistry,
    private readonly templates: TemplatesService,
  ) {}

  async of(send: Send): Promise<Prepared | Refused> {
    const { projectId, appId, channel } = send;
    const connection = await this.channels.credentials(projectId, appId, channel);
    if (!connection) {
      return refused(reason('CHANNEL_CONFIGURATION_MISSING', `the app has no ${channel} channel`));
    }
    if (connection.state === 'NEEDS_REAUTH') {
      const how = `the ${channel} channel needs a new token; reconnect it, then send again`;
      return refused(reason('INACTIVE_CREDENTIAL', how));
    }
    try {
      const said = await this.say(send);
      const blocked = await this.blocked(send, said.payloads);
      return blocked ? refused(blocked) : { connection, ...said };
    } catch (error) {
      if (error instanceof TemplateError) return refused(error.reason);
      if (error instanceof DomainError) return refused(reason('BAD_REQUEST', error.message));
      throw error;
    }
  }

  /** A template is filled in once: later parts and tries say what the first one said. */
  private async say(send: Send): Promise<Omit<Prepared, 'connection'>> {
    const { channel, content, messageId, channelProperties } = send;
    const said = send.rendered ?? (await this.fillIn(send));
    const quotes = content.reply_to && (await quotedOn(this.dataSource, send, content.reply_to.message_id));
    const context = { messageId, properties: channelProperties, ...(quotes ? { quotes } : {}) };
    const { payloads } = this.registry.get(channel).transcode(said, context);
    return { payloads, rendered: said === content ? null : said };
  }

  private async fillIn({ projectId, channel, content, messageId }: Send): Promise<AppMessage> {
    const said = await this.templates.resolve(projectId, content, channel);
    return said === content ? said : withPostbackData(said, messageId);
  }

  /** Of several payloads the first tells: what was begun is ended. */
  private async blocked(send: Send, [payload]: ChannelPayload[]): Promise<Reason | null> {
    if (!payload || send.partsSent > 0) return null;
    // Where several channels were asked for, the person may have been heard on another one last.
    const several = send.switches > 0 || send.channels.length > 0;
    const lastHeard = several ? await lastHeardOn(this.dataSource, send) : send.lastContactMessageAt;
    return this.registry.get(send.channel).sendingBlocked(payload, lastHeard, new Date());
  }
}

function refused(why: Reason): Refused {
  return { refused: why };
}
