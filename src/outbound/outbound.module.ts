import { Module } from '@nestjs/common';
import { Config } from '../config.js';
import { GuardedAgent } from './guarded-agent.js';

@Module({
  providers: [
    {
      provide: GuardedAgent,
      useFactory: (config: Config) => new GuardedAgent({ allowPrivate: config.PARLEY_ALLOW_PRIVATE_TARGETS }),
      inject: [Config],
    },
  ],
  exports: [GuardedAgent],
})
export class OutboundModule {}
