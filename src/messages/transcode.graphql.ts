import { Args, Field, ObjectType, Query, Resolver } from '@nestjs/graphql';
import { assertReaches, type Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { OpenTo } from '../api/open-to.js';
import { Json } from '../api/scalars.js';
import { ConversationChannelName } from '../channels/conversation-channel.js';
import { transcodeCommandOf, TranscodeMessageArgs } from './transcode.input.js';
import { TranscodingService } from './transcoding.service.js';

@ObjectType({ description: 'What a channel changes of a message, so that nothing is degraded in silence.' })
export class TranscodeNote {
  @Field({
    description:
      'Path in the message, in the names of the Conversation API, e.g. choice_message.choices[3]; or channel_properties and a key.',
  })
  field!: string;

  @Field({ description: "The channel's rule." })
  rule!: string;

  @Field({ description: 'What was done about it.' })
  action!: string;
}

@ObjectType('TranscodedMessage', { description: 'What a channel would be given for a message.' })
export class TranscodedMessageType {
  @Field(() => ConversationChannelName, { description: 'The channel.' })
  channel!: ConversationChannelName;

  @Field(() => [Json], {
    description:
      'One call to the channel each, in order; for MESSENGER bodies of the Send API without recipient and without the reference that Parley adds.',
  })
  payloads!: unknown[];

  @Field(() => [TranscodeNote], { description: 'What was changed.' })
  notes!: TranscodeNote[];
}

@Resolver(() => TranscodedMessageType)
export class TranscodeResolver {
  constructor(private readonly transcoding: TranscodingService) {}

  @Query(() => [TranscodedMessageType], {
    description:
      'What the channels would be given for a message, exactly as it would be sent; nothing is sent. The channels need not be connected to the app. Default postback data have 26 zeros in place of the id that the message would get.',
  })
  @OpenTo('AGENT')
  async transcodeMessage(
    @CurrentCaller() caller: Caller,
    @Args() args: TranscodeMessageArgs,
  ): Promise<TranscodedMessageType[]> {
    assertReaches(caller, args.appId);
    const transcoded = await this.transcoding.transcode(transcodeCommandOf(caller.projectId, args));
    return transcoded.map(({ channel, payloads, notes }) => ({
      channel: channel as string as ConversationChannelName,
      payloads,
      notes,
    }));
  }
}
