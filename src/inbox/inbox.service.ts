import { Injectable } from '@nestjs/common';
import { AppsService } from '../apps/apps.service.js';
import { ConversationsService } from '../conversations/conversations.service.js';
import { decodePosition } from '../events/cursor.js';
import { EventLog } from '../events/event-log.js';
import { EventFollower } from '../events/follow.js';
import type { AppKey } from '../events/wakeups.js';
import { inboxEventOf } from './inbox-event.js';

/** The live view: the event log of an app, as events of its inbox. */
@Injectable()
export class InboxService {
  constructor(
    private readonly apps: AppsService,
    private readonly conversations: ConversationsService,
    private readonly log: EventLog,
    private readonly follower: EventFollower,
  ) {}

  /** @throws DomainError NOT_FOUND, INVALID_ARGUMENT (cursor), CURSOR_EXPIRED */
  async followApp(
    projectId: string,
    appId: string,
    after: string | null,
    signal: AbortSignal,
  ): Promise<AsyncIterable<object>> {
    await this.apps.get(projectId, appId);
    return this.follow({ projectId, appId }, after, signal, null);
  }

  /** @throws DomainError NOT_FOUND, INVALID_ARGUMENT (cursor), CURSOR_EXPIRED */
  async followConversation(
    projectId: string,
    id: string,
    after: string | null,
    signal: AbortSignal,
  ): Promise<AsyncIterable<object>> {
    const { appId } = await this.conversations.get(projectId, id);
    return this.follow({ projectId, appId }, after, signal, id);
  }

  private async follow(
    app: AppKey,
    after: string | null,
    signal: AbortSignal,
    conversationId: string | null,
  ): Promise<AsyncIterable<object>> {
    const position = after === null ? await this.log.tail() : decodePosition(after);
    // Refuse before the stream begins: an error in it would look like a broken stream.
    await this.log.assertReadable(position);
    return this.events(app, position, signal, conversationId);
  }

  private async *events(
    app: AppKey,
    position: ReturnType<typeof decodePosition>,
    signal: AbortSignal,
    conversationId: string | null,
  ): AsyncGenerator<object, void, void> {
    for await (const event of this.follower.follow(app, position, signal)) {
      if (conversationId !== null && event.conversationId !== conversationId) continue;
      const shown = inboxEventOf(event);
      if (shown) yield shown;
    }
  }
}
