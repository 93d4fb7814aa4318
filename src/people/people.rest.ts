import { Controller, Delete, Param } from '@nestjs/common';
import { Type } from 'class-transformer';
import { Equals, IsEnum, IsNotEmpty, IsOptional, IsString, ValidateNested } from 'class-validator';
import { DataSource } from 'typeorm';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { JsonBody, PostOk, PROJECT_V1 } from '../api/rest.js';
import type { ConversationChannel } from '../channels/channel.js';
import { readIdentities } from '../contacts/identities.js';
import { RecipientInput } from '../messages/messages.input.js';
import { recipientOf } from '../messages/send-command.js';
import { contactWire } from '../wire/contact.js';
import { ChannelProfileService } from './channel-profile.service.js';
import { ErasureService } from './erasure.service.js';
import { MergeService } from './merge.service.js';

class MergeContactRequest {
  @IsString()
  @IsNotEmpty()
  sourceId!: string;

  @IsOptional()
  @Equals('MERGE')
  strategy?: string;
}

/** Source: Conversation API, channels with profiles. */
enum ProfileChannel {
  MESSENGER = 'MESSENGER',
  INSTAGRAM = 'INSTAGRAM',
  VIBER = 'VIBER',
  LINE = 'LINE',
}

class ChannelProfileRequest {
  @IsString()
  @IsNotEmpty()
  appId!: string;

  @ValidateNested()
  @Type(() => RecipientInput)
  @IsNotEmpty()
  recipient!: RecipientInput;

  @IsEnum(ProfileChannel)
  channel!: ProfileChannel;
}

/** What the Conversation API does with people beyond the contact itself. */
@Controller(PROJECT_V1)
export class PeopleController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly merging: MergeService,
    private readonly erasure: ErasureService,
    private readonly profiles: ChannelProfileService,
  ) {}

  @Delete('contacts/:contact_id')
  async delete(
    @CurrentCaller() { projectId }: Caller,
    @Param('contact_id') id: string,
  ): Promise<Record<string, never>> {
    await this.erasure.erase(projectId, id);
    return {};
  }

  @PostOk('contacts/:destination_id\\:merge')
  async merge(
    @CurrentCaller() { projectId }: Caller,
    @Param('destination_id') destinationId: string,
    @JsonBody(MergeContactRequest) { sourceId }: MergeContactRequest,
  ): Promise<object> {
    const contact = await this.merging.merge(projectId, sourceId, destinationId);
    const [channelIdentities = []] = await readIdentities(this.dataSource.manager, projectId, [contact.id]);
    return contactWire({ ...contact, channelIdentities });
  }

  @PostOk('contacts\\:getChannelProfile')
  async channelProfile(
    @CurrentCaller() { projectId }: Caller,
    @JsonBody(ChannelProfileRequest) request: ChannelProfileRequest,
  ): Promise<{ profile_name: string }> {
    const channel = request.channel as string as ConversationChannel;
    const recipient = recipientOf(request);
    return {
      profile_name: await this.profiles.nameOf({ projectId, appId: request.appId, channel, recipient }),
    };
  }
}
