import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { AppMessage } from '../content/app-message.js';
import type { ContactMessage } from '../content/contact-message.js';
import { lockConversations } from '../conversations/activity.js';
import { invalid, notFound } from '../errors.js';
import { EventLog } from '../events/event-log.js';
import { idAt } from '../ids.js';
import { addedEvents } from './activity.js';
import { appMessageOf } from './content/app-message.js';
import { contactMessageOf } from './content/contact-message.input.js';
import { assertRecentPast, type InjectMessageInput } from './inject.input.js';
import { assertContact, identityIn } from './injected-identity.js';
import { insertPast } from './past.js';
import { transact } from './transaction.js';

/** Puts what was said elsewhere into a conversation, in its place. */
@Injectable()
export class InjectService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
  ) {}

  /**
   * Nothing is sent, webhooks are not told, and nobody has to read it.
   * @throws DomainError NOT_FOUND, INVALID_ARGUMENT
   */
  async inject(projectId: string, conversationId: string, input: InjectMessageInput): Promise<void> {
    const { acceptTime, channelIdentity, contactId, direction, metadata = '' } = input;
    assertRecentPast(acceptTime);
    const content = contentOf(input);
    await transact(this.dataSource, async (tx) => {
      const conversations = await lockConversations(tx, [{ projectId, id: conversationId }]);
      const conversation = conversations.get(conversationId);
      if (!conversation || conversation.dispatch) throw notFound('conversation', conversationId);
      assertContact(conversation, contactId);
      const address = await identityIn(tx, conversation, channelIdentity);
      const row = {
        ...{ projectId, id: idAt(acceptTime), appId: conversation.appId, conversationId, contactId },
        ...{ ...address, direction, content, metadata, acceptTime },
        sentBy: direction === 'TO_APP' ? ('CONTACT' as const) : ('API' as const),
        replyToMessageId: content.reply_to?.message_id ?? null,
      };
      const { messages } = await insertPast(tx, projectId, [row], conversations);
      await this.log.record(tx, addedEvents(messages, conversations));
    });
  }
}

/** Who speaks says which of the two it is. */
function contentOf({
  appMessage,
  contactMessage,
  direction,
}: InjectMessageInput): AppMessage & ContactMessage {
  const [given, other, field] =
    direction === 'TO_APP'
      ? [contactMessage, appMessage, 'contactMessage']
      : [appMessage, contactMessage, 'appMessage'];
  if (!given || other) {
    throw invalid(field, 'exactlyOne', `${field} is what a message with direction ${direction} must have`);
  }
  if (contactMessage) return contactMessageOf(contactMessage, 'contactMessage');
  if (!appMessage) throw new Error('a message says nothing');
  return appMessageOf(appMessage, 'appMessage');
}
