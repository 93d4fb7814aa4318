import { type DynamicModule, Global, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { AccessModule } from './access/access.module.js';
import { ApiModule } from './api/api.module.js';
import { AppsModule } from './apps/apps.module.js';
import { CannedRepliesModule } from './canned-replies/canned-replies.module.js';
import { CapabilityModule } from './capability/capability.module.js';
import { ChannelsModule } from './channels/channels.module.js';
import { Config } from './config.js';
import { ConsentsModule } from './consents/consents.module.js';
import { ContactsModule } from './contacts/contacts.module.js';
import { ConversationEventsModule } from './conversation-events/conversation-events.module.js';
import { ConversationsModule } from './conversations/conversations.module.js';
import { DatabaseModule } from './database/database.module.js';
import { EventsModule } from './events/events.module.js';
import { HistoryModule } from './history/history.module.js';
import { InboxModule } from './inbox/inbox.module.js';
import { JobsModule } from './jobs/jobs.module.js';
import { loggerOptions } from './logging.js';
import { MediaModule } from './media/media.module.js';
import { MessagesModule } from './messages/messages.module.js';
import { MessengerModule } from './messenger/messenger.module.js';
import { NotesModule } from './notes/notes.module.js';
import { OpsModule } from './ops/ops.module.js';
import { ContactExportModule } from './people/export.module.js';
import { PeopleModule } from './people/people.module.js';
import { PublicUrl } from './public-url.js';
import { RetentionModule } from './retention/retention.module.js';
import { SandboxModule } from './sandbox/sandbox.module.js';
import { SearchModule } from './search/search.module.js';
import { SecretBox } from './secrets.js';
import { TemplatesModule } from './templates/templates.module.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

/** What any module may ask for. */
@Global()
@Module({})
class SettingsModule {
  static of(config: Config): DynamicModule {
    return {
      module: SettingsModule,
      providers: [
        { provide: Config, useValue: config },
        { provide: SecretBox, useValue: new SecretBox(config.PARLEY_ENCRYPTION_KEY) },
        PublicUrl,
      ],
      exports: [Config, SecretBox, PublicUrl],
    };
  }
}

/** The composition root: the only file that names every module. */
@Module({})
export class AppModule {
  static of(config: Config, databaseUrl: string): DynamicModule {
    return {
      module: AppModule,
      imports: [
        SettingsModule.of(config),
        DatabaseModule.forUrl(databaseUrl, config.DATABASE_POOL_SIZE),
        LoggerModule.forRoot(loggerOptions(config)),
        ApiModule,
        AccessModule,
        JobsModule,
        EventsModule,
        ChannelsModule,
        AppsModule,
        ContactExportModule,
        ContactsModule,
        ConversationsModule,
        TemplatesModule,
        MessagesModule,
        ConversationEventsModule,
        MediaModule,
        PeopleModule,
        HistoryModule,
        RetentionModule,
        ConsentsModule,
        CapabilityModule,
        WebhooksModule,
        NotesModule,
        CannedRepliesModule,
        SearchModule,
        InboxModule,
        MessengerModule,
        OpsModule,
        ...(config.PARLEY_SANDBOX ? [SandboxModule] : []),
      ],
    };
  }
}
