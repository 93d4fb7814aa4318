import { Args, ArgsType, Field, ID, Mutation, Resolver } from '@nestjs/graphql';
import { IsBoolean, IsNotEmpty, IsOptional, IsString } from 'class-validator';
import { agentIdOf, type Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { OpenTo } from '../api/open-to.js';
import { ConversationEventsService } from '../conversation-events/conversation-events.service.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { ConversationType, conversationTypeOf } from '../conversations/conversations.graphql.js';
import { ConversationsService } from '../conversations/conversations.service.js';

@ArgsType()
class MarkConversationReadArgs {
  @Field(() => ID, { description: 'The conversation.' })
  @IsString()
  @IsNotEmpty()
  id!: string;

  @Field(() => ID, {
    nullable: true,
    description: 'The last message that was read; all were when it is left out.',
  })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  upToMessageId?: string | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'Whether the channel tells the person that they were seen (MESSENGER: mark_seen). A stopped conversation is only marked. FAILED_PRECONDITION when the app no longer has the channel; the mark stays.',
  })
  @IsBoolean()
  notifyContact!: boolean;
}

/** Reading is a matter of the inbox; to tell of it takes an event on the channel. */
@Resolver(() => ConversationType)
export class ReadMarkersResolver {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly events: ConversationEventsService,
  ) {}

  @Mutation(() => ConversationType, {
    description:
      'Marks messages as read by the agents: up to the given one, or all. The mark only moves forward.',
  })
  @OpenTo('AGENT')
  async markConversationRead(
    @CurrentCaller() caller: Caller,
    @Args() { id, upToMessageId, notifyContact }: MarkConversationReadArgs,
  ): Promise<ConversationType> {
    const { projectId } = caller;
    if (caller.inbox) await this.conversations.getReached(caller, id);
    const conversation = await this.conversations.markRead(projectId, id, upToMessageId, agentIdOf(caller));
    if (notifyContact) await this.tell(conversation);
    return conversationTypeOf(conversation);
  }

  /** An event to a stopped conversation would begin a new one. */
  private async tell({ projectId, appId, contactId, active, activeChannel }: Conversation): Promise<void> {
    if (!active || activeChannel === 'CHANNEL_UNSPECIFIED') return;
    await this.events.send({
      projectId,
      appId,
      recipient: { contactId },
      event: { read_message_event: {} },
      channelPriorityOrder: [activeChannel],
      eventMetadata: '',
      callbackUrl: null,
      highPriority: false,
      idempotency: null,
    });
  }
}
