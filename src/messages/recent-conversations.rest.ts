import { Controller, Get } from '@nestjs/common';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { nextPageToken, pageRequest, PROJECT_V1, WireQuery } from '../api/rest.js';
import { AppsService } from '../apps/apps.service.js';
import { RecentConversationsQuery } from '../conversations/records.input.js';
import { ConversationRecordsService } from '../conversations/records.service.js';
import { conversationWire } from '../wire/conversation.js';
import { messageWire } from '../wire/message.js';
import { MessagesService } from './messages.service.js';

/** Source: Conversation API, page sizes. */
const MAX_PAGE = 50;

/** Conversations with the last message of each. */
@Controller(PROJECT_V1)
export class RecentConversationsController {
  constructor(
    private readonly apps: AppsService,
    private readonly records: ConversationRecordsService,
    private readonly messages: MessagesService,
  ) {}

  @Get('conversations\\:recent')
  async recent(
    @CurrentCaller() { projectId }: Caller,
    @WireQuery(RecentConversationsQuery) query: RecentConversationsQuery,
  ): Promise<{ conversations: object[]; next_page_token: string; total_size: number }> {
    const { appId, onlyActive = false, order, pageToken } = query;
    const { processingMode } = await this.apps.get(projectId, appId);
    const filter = { appId, onlyActive, oldestFirst: order === 'ASC' };
    const page = await this.records.recent(projectId, filter, pageRequest(query, { max: MAX_PAGE }));
    const ids = page.items.flatMap(({ node }) => node.lastMessageId ?? []);
    const messages = await this.messages.find(projectId, ids);
    return {
      conversations: page.items.map(({ node }) => {
        const last = messages.get(node.lastMessageId ?? '');
        return {
          conversation: conversationWire({ ...node }),
          last_message: last ? messageWire({ ...last }, processingMode) : null,
        };
      }),
      next_page_token: nextPageToken(page),
      total_size: pageToken
        ? 0
        : await this.records.count(projectId, { appId, ...(onlyActive ? { onlyActive } : {}) }),
    };
  }
}
