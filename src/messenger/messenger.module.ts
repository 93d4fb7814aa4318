import { Module, type OnModuleInit } from '@nestjs/common';
import { ChannelsModule } from '../channels/channels.module.js';
import { ChannelRegistry } from '../channels/registry.js';
import { Config } from '../config.js';
import { MessagesModule } from '../messages/messages.module.js';
import { OutboundModule } from '../outbound/outbound.module.js';
import { PublicUrl } from '../public-url.js';
import { MediaKinds } from './assets/media-kinds.js';
import { PageAssets } from './assets/page-assets.js';
import { Preparation } from './assets/preparation.js';
import { GraphClient } from './graph/graph.client.js';
import { MessengerChannel } from './messenger.channel.js';
import { MessengerController } from './messenger.rest.js';

@Module({
  imports: [ChannelsModule, MessagesModule, OutboundModule],
  controllers: [MessengerController],
  providers: [
    MessengerChannel,
    MediaKinds,
    PageAssets,
    Preparation,
    {
      provide: GraphClient,
      inject: [Config, PublicUrl],
      useFactory: (config: Config, url: PublicUrl) =>
        new GraphClient({
          baseUrl: () => config.GRAPH_API_URL ?? `${url.local()}/sandbox`,
          version: config.GRAPH_API_VERSION,
          // Never to the real Meta: it would be told the app secret.
          ...(config.GRAPH_API_URL === undefined
            ? { sandbox: { verifyToken: () => config.MESSENGER_VERIFY_TOKEN ?? '' } }
            : {}),
        }),
    },
  ],
})
export class MessengerModule implements OnModuleInit {
  constructor(
    private readonly registry: ChannelRegistry,
    private readonly channel: MessengerChannel,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.channel);
  }
}
