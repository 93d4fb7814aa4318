import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { AppsService } from '../apps/apps.service.js';
import type { ChannelPlugin, ConversationChannel, Transcoded } from '../channels/channel.js';
import { ChannelRegistry } from '../channels/registry.js';
import type { AppMessage } from '../content/app-message.js';
import { DomainError, invalid } from '../errors.js';
import { TemplateError } from '../templates/template-error.js';
import { TemplatesService } from '../templates/templates.service.js';
import { quotedOn } from './history.js';
import { withPostbackData } from './postback-data.js';

/** Stands for the id that the message would get where its default postback data have it: `{message_id}_{title}`. */
export const PREVIEW_MESSAGE_ID = '0'.repeat(26);

/** A message to preview. */
export interface TranscodeCommand {
  projectId: string;
  appId: string;
  message: AppMessage;
  channels: ConversationChannel[];
  channelProperties: Record<string, string>;
}

export interface TranscodedMessage extends Transcoded {
  channel: ConversationChannel;
}

/** Shows what would be sent, without sending. */
@Injectable()
export class TranscodingService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly apps: AppsService,
    private readonly registry: ChannelRegistry,
    private readonly templates: TemplatesService,
  ) {}

  /**
   * What a channel would be given, for each of the channels. They need not be connected.
   * @throws DomainError NOT_FOUND (app), UNIMPLEMENTED (a channel without plug-in), INVALID_ARGUMENT (what a channel cannot say, a template
   *   that cannot be filled in).
   */
  async transcode(command: TranscodeCommand): Promise<TranscodedMessage[]> {
    await this.apps.get(command.projectId, command.appId);
    const plugins = command.channels.map((channel, index) => this.pluginOf(channel, `channels[${index}]`));
    return Promise.all(plugins.map((plugin) => this.transcodeFor(plugin, command)));
  }

  private async transcodeFor(plugin: ChannelPlugin, command: TranscodeCommand): Promise<TranscodedMessage> {
    const { channel } = plugin;
    const message = withPostbackData(command.message, PREVIEW_MESSAGE_ID);
    const resolved = await this.resolve(command.projectId, message, channel);
    const { projectId, appId } = command;
    const where = { projectId, appId, channel, conversationId: null };
    const quotes =
      message.reply_to && (await quotedOn(this.dataSource.manager, where, message.reply_to.message_id));
    const context = { messageId: PREVIEW_MESSAGE_ID, properties: command.channelProperties };
    return { channel, ...plugin.transcode(resolved, { ...context, ...(quotes ? { quotes } : {}) }) };
  }

  private async resolve(
    projectId: string,
    message: AppMessage,
    channel: ConversationChannel,
  ): Promise<AppMessage> {
    try {
      return await this.templates.resolve(projectId, message, channel);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      const field = message.explicit_channel_omni_message?.[channel]
        ? 'explicitChannelOmniMessage'
        : 'templateMessage';
      throw invalid(`message.${field}`, 'template', error.message);
    }
  }

  private pluginOf(channel: ConversationChannel, path: string): ChannelPlugin {
    const plugin = this.registry.find(channel);
    if (!plugin) {
      const message = `${path}: channel ${channel} is not supported`;
      // Which is no fault of the request, unless it names no channel at all.
      if ((channel as string) === 'CHANNEL_UNSPECIFIED') throw invalid(path, 'supported', message);
      throw new DomainError('UNIMPLEMENTED', message);
    }
    return plugin;
  }
}
