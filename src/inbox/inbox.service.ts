import { Injectable } from '@nestjs/common';
import { assertReaches, type Caller } from '../access/caller.js';
import { AppsService } from '../apps/apps.service.js';
import { ConversationsService } from '../conversations/conversations.service.js';
import { decodePosition } from '../events/cursor.js';
import { EventLog } from '../events/event-log.js';
import { EventFollower } from '../events/follow.js';
import { inboxEventFor } from './inbox-event.js';

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
    caller: Caller,
    appId: string,
    after: string | null,
    signal: AbortSignal,
  ): Promise<AsyncIterable<object>> {
    assertReaches(caller, appId);
    await this.apps.get(caller.projectId, appId);
    return this.follow(caller, appId, after, signal, null);
  }

  /** @throws DomainError NOT_FOUND, INVALID_ARGUMENT (cursor), CURSOR_EXPIRED */
  async followConversation(
    caller: Caller,
    id: string,
    after: string | null,
    signal: AbortSignal,
  ): Promise<AsyncIterable<object>> {
    const { appId } = await this.conversations.getReached(caller, id);
    return this.follow(caller, appId, after, signal, id);
  }

  private async follow(
    caller: Caller,
    appId: string,
    after: string | null,
    signal: AbortSignal,
    conversationId: string | null,
  ): Promise<AsyncIterable<object>> {
    const position = after === null ? await this.log.tail() : decodePosition(after);
    // Refuse before the stream begins: an error in it would look like a broken stream.
    await this.log.assertReadable(position);
    return this.events(caller, appId, position, signal, conversationId);
  }

  private async *events(
    caller: Caller,
    appId: string,
    position: ReturnType<typeof decodePosition>,
    signal: AbortSignal,
    conversationId: string | null,
  ): AsyncGenerator<object, void, void> {
    const { projectId } = caller;
    for await (const event of this.follower.follow({ projectId, appId }, position, signal)) {
      if (conversationId !== null && event.conversationId !== conversationId) continue;
      const shown = inboxEventFor(caller, event);
      if (shown) yield shown;
    }
  }
}
