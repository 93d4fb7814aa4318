import { Args, Field, ID, Mutation, ObjectType, Query, Resolver } from '@nestjs/graphql';
import { assertAccessKey, assertReaches, type Caller } from '../access/caller.js';
import { connectionType, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { OpenTo } from '../api/open-to.js';
import { DateTime, Json } from '../api/scalars.js';
import { appMessageOf } from '../messages/content/app-message.js';
import type { AppMessageInput } from '../messages/content/app-message.input.js';
import { contentOf, MessageContent } from '../messages/content/message-content.graphql.js';
import type { CannedReply } from './canned-reply.js';
import { CannedRepliesArgs, CreateCannedReplyInput, UpdateCannedReplyInput } from './canned-replies.input.js';
import { CannedRepliesService, type Said } from './canned-replies.service.js';

@ObjectType('CannedReply', { description: 'A message that agents send again and again.' })
export class CannedReplyType {
  @Field(() => ID, { description: 'Unique in the project.' })
  id!: string;

  @Field(() => ID, { nullable: true, description: 'Its app; null when it is for all apps of the project.' })
  appId!: string | null;

  @Field({ description: 'What agents type to find it.' })
  shortcut!: string;

  @Field({ description: 'What agents know it by.' })
  title!: string;

  @Field(() => MessageContent, { description: 'What it says, to show it.' })
  content!: object;

  @Field(() => Json, {
    description: 'What it says, to send it: an AppMessageInput, as message of sendMessage.',
  })
  message!: object;

  @Field(() => DateTime, { description: 'When it was made.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'When it was last changed.' })
  updatedAt!: Date;
}

@ObjectType({ description: 'A page of canned replies.' })
export class CannedReplyConnection extends connectionType('CannedReply', CannedReplyType) {}

@Resolver(() => CannedReplyType)
export class CannedRepliesResolver {
  constructor(private readonly replies: CannedRepliesService) {}

  @Query(() => CannedReplyConnection, {
    description: 'The canned replies of an app and those for all apps, in order of their shortcuts.',
  })
  @OpenTo('VIEWER')
  async cannedReplies(
    @CurrentCaller() caller: Caller,
    @Args() { appId, text, first, after }: CannedRepliesArgs,
  ): Promise<CannedReplyConnection> {
    assertReaches(caller, appId);
    const page = await this.replies.list(caller.projectId, appId, text ?? null, { first, after });
    const { edges, pageInfo } = toConnection(page);
    return {
      edges: edges.map(({ cursor, node }) => ({ cursor, node: cannedReplyTypeOf(node) })),
      pageInfo,
    };
  }

  @Mutation(() => CannedReplyType, {
    description: 'Makes a canned reply. CONFLICT when its shortcut is taken.',
  })
  @OpenTo('AGENT')
  async createCannedReply(
    @CurrentCaller() caller: Caller,
    @Args('input', { description: 'The reply.' }) input: CreateCannedReplyInput,
  ): Promise<CannedReplyType> {
    const { appId = null, shortcut, title, message } = input;
    assertMayWrite(caller, appId);
    const values = { shortcut, title, said: saidOf(message) };
    return cannedReplyTypeOf(await this.replies.create(caller.projectId, appId, values));
  }

  @Mutation(() => CannedReplyType, {
    description: 'Changes a canned reply. CONFLICT when its shortcut is taken.',
  })
  @OpenTo('AGENT')
  async updateCannedReply(
    @CurrentCaller() caller: Caller,
    @Args('id', { type: () => ID, description: 'The reply.' }) id: string,
    @Args('input', { description: 'What to change.' }) { shortcut, title, message }: UpdateCannedReplyInput,
  ): Promise<CannedReplyType> {
    await this.assertMayChange(caller, id);
    const values = {
      ...(shortcut != null ? { shortcut } : {}),
      ...(title != null ? { title } : {}),
      ...(message ? { said: saidOf(message) } : {}),
    };
    return cannedReplyTypeOf(await this.replies.update(caller.projectId, id, values));
  }

  @Mutation(() => Boolean, { description: 'Removes a canned reply; what was sent with it stays.' })
  @OpenTo('AGENT')
  async deleteCannedReply(
    @CurrentCaller() caller: Caller,
    @Args('id', { type: () => ID, description: 'The reply.' }) id: string,
  ): Promise<boolean> {
    await this.assertMayChange(caller, id);
    await this.replies.delete(caller.projectId, id);
    return true;
  }

  private async assertMayChange(caller: Caller, id: string): Promise<void> {
    if (!caller.inbox) return;
    const { appId } = await this.replies.get(caller.projectId, id);
    if (appId !== null) assertReaches(caller, appId, 'canned reply', id);
    else assertAccessKey(caller);
  }
}

/** What concerns every app of the project is not for the agents of some. */
function assertMayWrite(caller: Caller, appId: string | null): void {
  if (appId === null) assertAccessKey(caller);
  else assertReaches(caller, appId);
}

function saidOf(message: AppMessageInput): Said {
  return {
    message: appMessageOf(message, 'input.message'),
    input: JSON.parse(JSON.stringify(message)) as object,
  };
}

function cannedReplyTypeOf({ input, message, ...reply }: CannedReply): CannedReplyType {
  return { ...reply, content: contentOf(message), message: input };
}
