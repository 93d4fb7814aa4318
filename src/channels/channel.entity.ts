import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ConversationChannel } from './channel.js';

export type ChannelState = 'PENDING' | 'ACTIVE' | 'FAILING' | 'NEEDS_REAUTH';

/** An app's connection to one channel. Token and secret are stored encrypted and never leave. */
@Entity('channels')
export class Channel {
  @PrimaryColumn('text')
  projectId!: string;

  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  appId!: string;

  @Column('text')
  channel!: ConversationChannel;

  @Column('text', { default: 'PENDING' })
  state!: ChannelState;

  /** The channel's own account: for Messenger the page id. */
  @Column('text', { nullable: true })
  accountId!: string | null;

  @Column('text', { nullable: true })
  displayName!: string | null;

  @Column('text')
  token!: string;

  @Column('text')
  callbackSecret!: string;

  @Column('text', { nullable: true })
  lastError!: string | null;

  @Column('timestamptz', { default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updatedAt!: Date;
}
