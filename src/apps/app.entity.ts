import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { RetentionType } from './app-enums.js';

/** A business's presence: the whole that channels, webhooks and conversations belong to. */
@Entity('apps')
export class App {
  @PrimaryColumn('text')
  projectId!: string;

  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  displayName!: string;

  @Column('text', { default: 'CONVERSATION' })
  processingMode!: string;

  /** NONE or FULL: whether webhooks carry the conversation's metadata. */
  @Column('text', { default: 'NONE' })
  conversationMetadataReportView!: string;

  /** Signs what goes to the callback URLs of single sends. Encrypted; empty when that is unsigned. */
  @Column('text', { default: '' })
  callbackSecret!: string;

  @Column('text', { default: 'MESSAGE_EXPIRE_POLICY' })
  retentionType!: RetentionType;

  /** Without effect where everything is kept. */
  @Column('int', { default: 180 })
  retentionDays!: number;

  @Column('int', { default: 0 })
  dispatchRetentionDays!: number;

  @Column('boolean', { default: false })
  smartConversation!: boolean;

  /** How long after its first failure a send is tried again; null: for its whole time to live. */
  @Column('int', { nullable: true })
  retrySeconds!: number | null;

  @Column('boolean', { default: false })
  fallbackEnabled!: boolean;

  /** How long a channel may take to report that a message arrived; null: never set. */
  @Column('int', { nullable: true })
  fallbackSeconds!: number | null;

  /** Channels of the credentials in order: what is tried first where a send names no channels. */
  @Column('text', { array: true, default: () => "'{}'" })
  channelOrder!: string[];

  /** See `channel-credentials.service.ts`. Encrypted; empty without any. */
  @Column('text', { default: '' })
  channelCredentials!: string;

  @Column('timestamptz', { default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updatedAt!: Date;
}
