import { DataSource } from 'typeorm';
import { Tenancy1763700000001 } from '../../migrations/1763700000001-tenancy.js';
import { Resources1763700000002 } from '../../migrations/1763700000002-resources.js';
import { Events1763700000003 } from '../../migrations/1763700000003-events.js';
import { Webhooks1763700000004 } from '../../migrations/1763700000004-webhooks.js';
import { AccessKey, Project } from '../access/project.entity.js';
import { App } from '../apps/app.entity.js';
import { Channel } from '../channels/channel.entity.js';
import { ChannelIdentity, Contact } from '../contacts/contact.entity.js';
import { Conversation } from '../conversations/conversation.entity.js';
import { Message } from '../messages/message.entity.js';
import { Webhook } from '../webhooks/webhook.entity.js';
import { SnakeNaming } from './naming.js';

/** Entities and migrations are listed by hand: what is not here does not exist. */
export function createDataSource(url: string, poolSize = 20): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    applicationName: 'parley',
    poolSize,
    connectTimeoutMS: 5_000,
    extra: { idle_in_transaction_session_timeout: 60_000, keepAlive: true },
    namingStrategy: new SnakeNaming(),
    entities: [Project, AccessKey, App, Channel, Contact, ChannelIdentity, Conversation, Message, Webhook],
    migrations: [Tenancy1763700000001, Resources1763700000002, Events1763700000003, Webhooks1763700000004],
    migrationsTransactionMode: 'each',
  });
}
