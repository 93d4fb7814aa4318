import { Module } from '@nestjs/common';
import { AccessService } from './access.service.js';
import { ProjectsService } from './projects.service.js';
import { SigningKeys } from './signing-keys.js';
import { TokensService } from './tokens.service.js';

@Module({
  providers: [AccessService, ProjectsService, SigningKeys, TokensService],
  exports: [AccessService, ProjectsService, TokensService],
})
export class AccessModule {}
