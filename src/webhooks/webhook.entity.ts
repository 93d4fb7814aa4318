import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { WebhookTrigger } from './trigger.js';

/** A customer's endpoint and what it wants to hear of. */
@Entity('webhooks')
export class Webhook {
  @PrimaryColumn('text')
  projectId!: string;

  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  appId!: string;

  /** CALLBACK_URL: made by itself, for the origin of callback URLs that sends of the app named. */
  @Column('text', { default: 'WEBHOOK' })
  kind!: 'WEBHOOK' | 'CALLBACK_URL';

  @Column('text')
  target!: string;

  /** HTTP, or DISMISS to receive nothing. */
  @Column('text', { default: 'HTTP' })
  targetType!: 'HTTP' | 'DISMISS';

  /** Encrypted; empty when deliveries are unsigned. */
  @Column('text')
  secret!: string;

  /** Encrypted; signs beside `secret` until `previousUntil`. Empty when there is none. */
  @Column('text', { default: '' })
  previousSecret!: string;

  @Column('timestamptz', { nullable: true })
  previousUntil!: Date | null;

  /** `ClientCredentials` as encrypted JSON; null when the target asks for no token. */
  @Column('text', { nullable: true })
  clientCredentials!: string | null;

  @Column('text', { array: true, default: '{}' })
  triggers!: WebhookTrigger[];

  @Column('timestamptz', { nullable: true })
  disabledAt!: Date | null;

  @Column('text', { nullable: true })
  disabledReason!: string | null;

  /** Since when nothing but failures; null after a success. */
  @Column('timestamptz', { nullable: true })
  failingSince!: Date | null;

  /** The target could not be reached: from then on it is probed with one delivery at a time. Null when it answers. */
  @Column('timestamptz', { nullable: true })
  pausedUntil!: Date | null;

  /** The process that delivers for it right now. */
  @Column('text', { nullable: true })
  drainedBy!: string | null;

  @Column('timestamptz', { default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updatedAt!: Date;
}
