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
  @Field(() => ID, { description: 'Unique in the project.' })
  id!: string;

  @Field(() => ConversationChannelName, { description: 'Which channel.' })
  channel!: string;

  @Field(() => ChannelStateName, { description: 'How the connection is doing.' })
  state!: ChannelState;

  @Field(() => String, { nullable: true, description: "The channel's own account: for Messenger the page." })
  pageId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Name of the account there, such as that of the page; null until the channel has told it.',
  })
  displayName!: string | null;

  @Field(() => String, { nullable: true, description: 'What the channel last complained of.' })
  lastError!: string | null;

  @Field({ description: 'Where the channel must send its webhooks.' })
  callbackUrl?: string;

  @Field({ description: 'When it was connected.' })
  createdAt!: Date;

  @Field({ description: 'When it was last changed.' })
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
    @Args('input', { description: 'The channel and its credentials.' }) input: ConnectChannelInput,
  ): Promise<Channel> {
    return this.channels.connect(projectId, input);
  }

  @Mutation(() => Boolean, {
    description:
      'Ends the connection of an app to a channel; conversations and messages stay. Sends by it fail from now on.',
  })
  async disconnectChannel(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID, description: 'The connection.' }) id: string,
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
