import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';

/** A person, whatever channels they write on. */
@Entity('contacts')
export class Contact {
  @PrimaryColumn('text')
  projectId!: string;

  @PrimaryColumn('text')
  id!: string;

  @Column('text', { default: '' })
  displayName!: string;

  @Column('text', { default: '' })
  email!: string;

  /** The customer's own key. */
  @Column('text', { default: '' })
  externalId!: string;

  @Column('text', { default: 'UNSPECIFIED' })
  language!: string;

  @Column('text', { default: '' })
  metadata!: string;

  @Column('text', { array: true, default: '{}' })
  channelPriority!: string[];

  @Column('timestamptz', { default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updatedAt!: Date;
}

/** Who a contact is on a channel. `appId` is empty on channels whose identities are not app-scoped. */
@Entity('channel_identities')
export class ChannelIdentity {
  @PrimaryColumn('text')
  projectId!: string;

  @PrimaryColumn('text')
  channel!: ConversationChannel;

  @PrimaryColumn('text')
  appId!: string;

  @PrimaryColumn('text')
  identity!: string;

  @Column('text')
  contactId!: string;

  @Column('int', { default: 0 })
  position!: number;
}
