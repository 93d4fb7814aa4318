import { Controller, Param } from '@nestjs/common';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { JsonBody, type Plain, PostOk, PROJECT_V1 } from '../api/rest.js';
import { contentInputOf, withFields } from './content/content.rest.js';
import { InjectMessageInput } from './inject.input.js';
import { InjectService } from './inject.service.js';

@Controller(PROJECT_V1)
export class InjectController {
  constructor(private readonly injection: InjectService) {}

  @PostOk('conversations/:conversation_id\\:inject-message')
  async inject(
    @CurrentCaller() { projectId }: Caller,
    @Param('conversation_id') conversationId: string,
    @JsonBody(InjectMessageInput, injectInputOf) input: InjectMessageInput,
  ): Promise<Record<string, never>> {
    await this.injection.inject(projectId, conversationId, input);
    return {};
  }
}

function injectInputOf(body: Plain): Plain {
  return withFields(body, { appMessage: (message) => contentInputOf(message, 'appMessage') });
}
