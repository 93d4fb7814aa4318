import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';

export type InboxStatus = 'OPEN' | 'SNOOZED' | 'CLOSED';

/** One contact talking with one app. Carries what the inbox lists, so that a page of it is one index scan. */
@Entity('conversations')
export class Conversation {
  @PrimaryColumn('text')
  projectId!: string;

  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  appId!: string;

  /** Null where `dispatch` is set, which only those see who store messages. */
  @Column('text', { nullable: true })
  contactId!: string;

  /** No conversation, and shown to nobody: what is exchanged with an identity in DISPATCH mode hangs on it. */
  @Column('boolean', { default: false })
  dispatch!: boolean;

  /** At most one a contact and app is. */
  @Column('boolean', { default: true })
  active!: boolean;

  @Column('text', { default: 'CHANNEL_UNSPECIFIED' })
  activeChannel!: ConversationChannel | 'CHANNEL_UNSPECIFIED';

  /** Time of the latest message, either way. */
  @Column('timestamptz', { nullable: true })
  lastReceived!: Date | null;

  @Column('text', { default: '' })
  metadata!: string;

  @Column('jsonb', { nullable: true })
  metadataJson!: Record<string, unknown> | null;

  @Column('text', { default: '' })
  correlationId!: string;

  @Column('text', { default: 'OPEN' })
  status!: InboxStatus;

  @Column('int', { default: 0 })
  unreadCount!: number;

  @Column('text', { nullable: true })
  readUpToMessageId!: string | null;

  /** When an agent last marked messages as read. */
  @Column('timestamptz', { nullable: true })
  readAt!: Date | null;

  @Column('text', { nullable: true })
  lastMessageId!: string | null;

  @Column('text', { nullable: true })
  assignee!: string | null;

  @Column('text', { array: true, default: '{}' })
  labels!: string[];

  @Column('timestamptz', { nullable: true })
  snoozedUntil!: Date | null;

  /** Sorts the inbox. */
  @Column('timestamptz', { default: () => 'now()' })
  lastActivity!: Date;

  /** In the channel's clock; opens the messaging window. */
  @Column('timestamptz', { nullable: true })
  lastContactMessageAt!: Date | null;

  @Column('timestamptz', { default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updatedAt!: Date;
}
