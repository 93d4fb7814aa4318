import { Module } from '@nestjs/common';
import { AccessService } from './access.service.js';
import { ProjectsService } from './projects.service.js';

@Module({
  providers: [AccessService, ProjectsService],
  exports: [AccessService, ProjectsService],
})
export class AccessModule {}
