import { Module } from '@nestjs/common';
import { AppsModule } from '../apps/apps.module.js';
import { CannedRepliesResolver } from './canned-replies.graphql.js';
import { CannedRepliesService } from './canned-replies.service.js';

@Module({
  imports: [AppsModule],
  providers: [CannedRepliesService, CannedRepliesResolver],
})
export class CannedRepliesModule {}
