import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import type { AppEvent } from '../content/app-event.js';
import type { ContactEvent, ContactMessageEvent } from '../content/contact-event.js';
import type { Reason } from '../content/reason.js';
import type { ConversationDirection } from '../messages/message.entity.js';
import type { MessageStatus } from '../messages/status.js';

/** Events know fewer statuses than messages: nobody confirms them, and they have no other channel. */
export type EventStatus = Extract<MessageStatus, 'QUEUED' | 'QUEUED_ON_CHANNEL' | 'FAILED'>;

/** AppEvent when TO_CONTACT, ContactSideEvent when TO_APP. */
export type ConversationEventContent = AppEvent & {
  contact_event?: ContactEvent;
  contact_message_event?: ContactMessageEvent;
};

/** Something done beside speaking. Ids ascend in order of acceptance. */
@Entity('conversation_events')
export class ConversationEvent {
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

  @Column('jsonb')
  content!: ConversationEventContent;

  /** Null for what a person did. */
  @Column('text', { nullable: true })
  status!: EventStatus | null;

  @Column('jsonb', { nullable: true })
  reason!: Reason | null;

  /** The `event_metadata` of the send. */
  @Column('text', { default: '' })
  metadata!: string;

  /** Where its delivery reports go instead of to the webhooks. */
  @Column('text', { nullable: true })
  callbackUrl!: string | null;

  /** Done in DISPATCH mode: no conversation and no contact is told of with it. */
  @Column('boolean', { default: false })
  dispatch!: boolean;

  @Column('timestamptz')
  acceptTime!: Date;

  /** The channel's own time; null for what an app did. */
  @Column('timestamptz', { nullable: true })
  channelTime!: Date | null;

  /** The channel's own fields that have no generic form. */
  @Column('jsonb', { nullable: true })
  channelData!: Record<string, unknown> | null;
}
