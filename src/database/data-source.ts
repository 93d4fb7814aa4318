import { DataSource } from 'typeorm';
import { Tenancy1763700000001 } from '../../migrations/1763700000001-tenancy.js';
import { Resources1763700000002 } from '../../migrations/1763700000002-resources.js';
import { Events1763700000003 } from '../../migrations/1763700000003-events.js';
import { Webhooks1763700000004 } from '../../migrations/1763700000004-webhooks.js';
import { Attachments1763700000005 } from '../../migrations/1763700000005-attachments.js';
import { Templates1763700000006 } from '../../migrations/1763700000006-templates.js';
import { Sending1763700000007 } from '../../migrations/1763700000007-sending.js';
import { Media1763700000009 } from '../../migrations/1763700000009-media.js';
import { Inbound1763700000010 } from '../../migrations/1763700000010-inbound.js';
import { ConversationEvents1763700000008 } from '../../migrations/1763700000008-conversation-events.js';
import { People1763700000011 } from '../../migrations/1763700000011-people.js';
import { WebhooksComplete1763700000012 } from '../../migrations/1763700000012-webhooks-complete.js';
import { InboxState1763700000013 } from '../../migrations/1763700000013-inbox-state.js';
import { Search1763700000014 } from '../../migrations/1763700000014-search.js';
import { Dispatch1763700000018 } from '../../migrations/1763700000018-dispatch.js';
import { ConversationRecords1763700000019 } from '../../migrations/1763700000019-conversation-records.js';
import { MessageLists1763700000017 } from '../../migrations/1763700000017-message-lists.js';
import { Consents1763700000020 } from '../../migrations/1763700000020-consents.js';
import { ForeignCredentials1763700000021 } from '../../migrations/1763700000021-foreign-credentials.js';
import { Tokens1763700000016 } from '../../migrations/1763700000016-tokens.js';
import { AppSettings1763700000015 } from '../../migrations/1763700000015-app-settings.js';
import { ContactKeys1763700000022 } from '../../migrations/1763700000022-contact-keys.js';
import { ConsentsOfAll1763700000023 } from '../../migrations/1763700000023-consents-of-all.js';
import { AccessKey, Project } from '../access/project.entity.js';
import { App } from '../apps/app.entity.js';
import { Channel } from '../channels/channel.entity.js';
import { ChannelIdentity, Contact } from '../contacts/contact.entity.js';
import { ConversationEvent } from '../conversation-events/conversation-event.entity.js';
import { Conversation } from '../conversations/conversation.entity.js';
import { Message } from '../messages/message.entity.js';
import { Template } from '../templates/template.entity.js';
import { Webhook } from '../webhooks/webhook.entity.js';
import { SnakeNaming } from './naming.js';
import { CommitHooks } from './on-commit.js';
import { PreparingClient } from './prepared.js';

/** Entities and migrations are listed by hand: what is not here does not exist. */
export function createDataSource(url: string, poolSize = 20): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    applicationName: 'parley',
    poolSize,
    connectTimeoutMS: 5_000,
    extra: {
      Client: PreparingClient,
      // What a transaction asks without waiting in between is sent at once.
      pipeline: true,
      idle_in_transaction_session_timeout: 60_000,
      keepAlive: true,
    },
    namingStrategy: new SnakeNaming(),
    entities: [
      Project,
      AccessKey,
      App,
      Channel,
      Contact,
      ChannelIdentity,
      Conversation,
      Message,
      ConversationEvent,
      Template,
      Webhook,
    ],
    migrations: [
      Tenancy1763700000001,
      Resources1763700000002,
      Events1763700000003,
      Webhooks1763700000004,
      Attachments1763700000005,
      Templates1763700000006,
      Sending1763700000007,
      ConversationEvents1763700000008,
      Media1763700000009,
      Inbound1763700000010,
      People1763700000011,
      WebhooksComplete1763700000012,
      InboxState1763700000013,
      Search1763700000014,
      AppSettings1763700000015,
      Tokens1763700000016,
      MessageLists1763700000017,
      Dispatch1763700000018,
      ConversationRecords1763700000019,
      Consents1763700000020,
      ForeignCredentials1763700000021,
      ContactKeys1763700000022,
      ConsentsOfAll1763700000023,
    ],
    migrationsTransactionMode: 'each',
    subscribers: [CommitHooks],
  });
}
