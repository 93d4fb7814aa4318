import {
  Args,
  Field,
  ID,
  Mutation,
  ObjectType,
  Parent,
  registerEnumType,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { Channel, type ChannelState } from './channel.entity.js';
import { ConnectChannelInput } from './channels.input.js';
import { ChannelsService } from './channels.service.js';
import { ConversationChannelName } from './conversation-channel.js';

enum ChannelStateName {
  PENDING = 'PENDING',
  ACTIVE = 'ACTIVE',
  FAILING = 'FAILING',
  NEEDS_REAUTH = 'NEEDS_REAUTH',
}

registerEnumType(ChannelStateName, {
  name: 'ChannelState',
  description: 'How a connection is doing.',
  valuesMap: {
    PENDING: { description: 'The channel has not answered yet.' },
    ACTIVE: { description: 'Connected; the channel sends its webhooks.' },
    FAILING: { description: 'The channel answers with errors; sends are tried all the same.' },
    NEEDS_REAUTH: { description: 'The token is dead: connect the channel again with a new one.' },
  },
});

@ObjectType('Channel', { description: "An app's connection to one channel. Its token never leaves." })
export class ChannelType {
  @Field(() => ID)
  id!: string;

  @Field(() => ConversationChannelName)
  channel!: string;

  @Field(() => ChannelStateName)
  state!: ChannelState;

  @Field(() => String, { nullable: true, description: "The channel's own account: for Messenger the page." })
  pageId?: string | null;

  @Field(() => String, { nullable: true })
  displayName!: string | null;

  @Field(() => String, { nullable: true, description: 'What the channel last complained of.' })
  lastError!: string | null;

  @Field({ description: 'Where the channel must send its webhooks.' })
  callbackUrl?: string;

  @Field()
  createdAt!: Date;

  @Field()
  updatedAt!: Date;
}

@Resolver(() => ChannelType)
export class ChannelsResolver {
  constructor(private readonly channels: ChannelsService) {}

  @Mutation(() => ChannelType, {
    description: 'Connects an app to a channel, or gives a connected one a new token.',
  })
  connectChannel(
    @CurrentCaller() { projectId }: Caller,
    @Args('input') input: ConnectChannelInput,
  ): Promise<Channel> {
    return this.channels.connect(projectId, input);
  }

  @Mutation(() => Boolean)
  async disconnectChannel(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID }) id: string,
  ): Promise<boolean> {
    await this.channels.disconnect(projectId, id);
    return true;
  }

  @ResolveField()
  pageId(@Parent() channel: Channel): string | null {
    return channel.accountId;
  }

  @ResolveField()
  callbackUrl(@Parent() channel: Channel): string {
    return this.channels.callbackUrl(channel.appId);
  }
}
