import { Column, Entity, PrimaryColumn } from 'typeorm';

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

  @Column('timestamptz', { default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updatedAt!: Date;
}
