import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import type { AppMessage } from '../content/app-message.js';
import type { ReactionCategory } from '../content/contact-event.js';
import type { ContactMessage } from '../content/contact-message.js';
import type { Reason } from '../content/reason.js';
import type { MessageStatus } from './status.js';

export type ConversationDirection = 'TO_APP' | 'TO_CONTACT';

/** Who wrote it: the person, a caller of ours, somebody in the Page inbox, or another app of the business. */
export type MessageOrigin = 'CONTACT' | 'API' | 'PAGE_INBOX' | 'OTHER_APP';

/** A sign that one side put on a message. */
export interface MessageReaction {
  by: 'CONTACT' | 'API';
  /** Null once it was taken away. */
  emoji: string | null;
  category: ReactionCategory | null;
  /** In the channel's clock, ISO 8601 in UTC. */
  at: string;
}

/** A message, either way. Ids ascend in order of acceptance. */
@Entity('messages')
export class Message {
  @PrimaryColumn('text')
  projectId!: string;

  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  appId!: string;

  @Column('text')
  conversationId!: string;

  @Column('text')
  contactId!: string;

  @Column('text')
  direction!: ConversationDirection;

  @Column('text')
  channel!: ConversationChannel;

  @Column('text')
  identity!: string;

  /** The channel's id of an inbound message or a foreign echo; ids of our own sends are in `message_parts`. */
  @Column('text', { nullable: true })
  channelMessageId!: string | null;

  /** AppMessage when TO_CONTACT, ContactMessage when TO_APP. */
  @Column('jsonb')
  content!: AppMessage | ContactMessage;

  /** Null for inbound. */
  @Column('text', { nullable: true })
  status!: MessageStatus | null;

  @Column('jsonb', { nullable: true })
  reason!: Reason | null;

  @Column('text')
  sentBy!: MessageOrigin;

  @Column('text', { default: '' })
  metadata!: string;

  @Column('text', { default: '' })
  correlationId!: string;

  @Column('jsonb', { default: {} })
  channelProperties!: Record<string, string>;

  @Column('text', { nullable: true })
  replyToMessageId!: string | null;

  /** Where its delivery reports go instead of to the webhooks. */
  @Column('text', { nullable: true })
  callbackUrl!: string | null;

  /** The channel's own fields that have no generic form. */
  @Column('jsonb', { nullable: true })
  channelData!: Record<string, unknown> | null;

  /** At most one a side; one that was taken away stays, without emoji, so that an older one does not come back. */
  @Column('jsonb', { default: [] })
  reactions!: MessageReaction[];

  /** Was said elsewhere and stored later: nobody is told, nobody has to read it. */
  @Column('boolean', { default: false })
  injected!: boolean;

  /** Has no content any more and is shown to nobody: its owner erased it. */
  @Column('boolean', { default: false })
  erased!: boolean;

  /** Exchanged in DISPATCH mode: no conversation and no contact is told of with it. */
  @Column('boolean', { default: false })
  dispatch!: boolean;

  @Column('timestamptz')
  acceptTime!: Date;

  /** The channel's own time. */
  @Column('timestamptz', { nullable: true })
  channelTime!: Date | null;

  /** In the channel's clock, as is `deletedAt`. */
  @Column('timestamptz', { nullable: true })
  editedAt!: Date | null;

  /** The channel's count of edits; null when it does not count. */
  @Column('int', { nullable: true })
  editRevision!: number | null;

  /** When it was taken back: what it said is kept nowhere. */
  @Column('timestamptz', { nullable: true })
  deletedAt!: Date | null;
}
