import { Module } from '@nestjs/common';
import { AppsModule } from '../apps/apps.module.js';
import { EventsModule } from '../events/events.module.js';
import { WordsModule } from '../words/words.module.js';
import { SearchResolver } from './search.graphql.js';
import { SearchService } from './search.service.js';

@Module({
  imports: [EventsModule, AppsModule, WordsModule],
  providers: [SearchService, SearchResolver],
})
export class SearchModule {}
