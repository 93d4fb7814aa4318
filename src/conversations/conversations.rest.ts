import { Controller, Delete, Get, Param, Patch } from '@nestjs/common';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import {
  inputOf,
  JsonBody,
  nextPageToken,
  pageRequest,
  patchOf,
  type Plain,
  PlainBody,
  PostOk,
  PROJECT_V1,
  UpdateMask,
  WireQuery,
} from '../api/rest.js';
import { conversationWire } from '../wire/conversation.js';
import type { Conversation } from './conversation.entity.js';
import { ConversationsService } from './conversations.service.js';
import {
  ConversationRecordInput,
  CreateConversationRecordInput,
  ListConversationsQuery,
  UpdateConversationQuery,
} from './records.input.js';
import { ConversationRecordsService, type RecordValues } from './records.service.js';

/** Source: Conversation API, page sizes. */
const MAX_PAGE = 20;
/** What a field that a mask lists and the body lacks becomes. */
const RESET: Plain = {
  active: false,
  activeChannel: 'CHANNEL_UNSPECIFIED',
  metadata: '',
  correlationId: '',
};

/** Conversations of the Conversation API; lists with their messages are in messages/. */
@Controller(PROJECT_V1)
export class ConversationsController {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly records: ConversationRecordsService,
  ) {}

  @Get('conversations')
  async list(
    @CurrentCaller() { projectId }: Caller,
    @WireQuery(ListConversationsQuery) query: ListConversationsQuery,
  ): Promise<{ conversations: object[]; next_page_token: string; total_size: number }> {
    const page = await this.records.list(projectId, query, pageRequest(query, { max: MAX_PAGE }));
    return {
      conversations: page.items.map(({ node }) => wire(node)),
      next_page_token: nextPageToken(page),
      // Counted once a walk.
      total_size: query.pageToken ? 0 : await this.records.count(projectId, query),
    };
  }

  @PostOk('conversations')
  async create(
    @CurrentCaller() { projectId }: Caller,
    @JsonBody(CreateConversationRecordInput) input: CreateConversationRecordInput,
  ): Promise<object> {
    return wire(await this.records.create(projectId, valuesOf(input)));
  }

  @Get('conversations/:conversation_id')
  async get(@CurrentCaller() { projectId }: Caller, @Param('conversation_id') id: string): Promise<object> {
    return wire(await this.conversations.get(projectId, id));
  }

  @Patch('conversations/:conversation_id')
  async update(
    @CurrentCaller() { projectId }: Caller,
    @Param('conversation_id') id: string,
    @PlainBody(ConversationRecordInput) body: Plain,
    @UpdateMask() mask: string[] | null,
    @WireQuery(UpdateConversationQuery) { metadataUpdateStrategy }: UpdateConversationQuery,
  ): Promise<object> {
    const patched = Object.entries(patchOf(body, mask)).map(([field, value]) => [
      field,
      value ?? RESET[field] ?? null,
    ]);
    const input = await inputOf(ConversationRecordInput, Object.fromEntries(patched) as Plain);
    const patch = metadataUpdateStrategy === 'MERGE_PATCH';
    return wire(await this.records.update(projectId, id, valuesOf(input), { patch }));
  }

  @Delete('conversations/:conversation_id')
  async delete(
    @CurrentCaller() { projectId }: Caller,
    @Param('conversation_id') id: string,
  ): Promise<Record<string, never>> {
    await this.conversations.delete(projectId, id);
    return {};
  }

  @PostOk('conversations/:conversation_id\\:stop')
  async stop(
    @CurrentCaller() { projectId }: Caller,
    @Param('conversation_id') id: string,
  ): Promise<Record<string, never>> {
    await this.conversations.stop(projectId, id);
    return {};
  }
}

/** The marks hold `activeChannel` to the channels that there are. */
function valuesOf<T extends ConversationRecordInput | CreateConversationRecordInput>(
  input: T,
): T & RecordValues {
  return input as T & RecordValues;
}

function wire(conversation: Conversation): object {
  return conversationWire({ ...conversation });
}
