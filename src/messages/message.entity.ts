import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import type { AppMessage } from '../content/app-message.js';
import type { ContactMessage } from '../content/contact-message.js';
import type { Reason } from '../content/reason.js';
import type { MessageStatus } from './status.js';

export type ConversationDirection = 'TO_APP' | 'TO_CONTACT';

/** Who wrote it: the person, a caller of ours, somebody in the Page inbox, or another app of the business. */
export type MessageOrigin = 'CONTACT' | 'API' | 'PAGE_INBOX' | 'OTHER_APP';

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

  @Column('timestamptz')
  acceptTime!: Date;

  /** The channel's own time. */
  @Column('timestamptz', { nullable: true })
  channelTime!: Date | null;

  @Column('timestamptz', { nullable: true })
  editedAt!: Date | null;

  @Column('timestamptz', { nullable: true })
  deletedAt!: Date | null;
}
