import { Module } from '@nestjs/common';
import { TemplatesResolver } from './templates.graphql.js';
import { TemplatesController } from './templates.rest.js';
import { TemplatesService } from './templates.service.js';

@Module({
  controllers: [TemplatesController],
  providers: [TemplatesService, TemplatesResolver],
  exports: [TemplatesService],
})
export class TemplatesModule {}
