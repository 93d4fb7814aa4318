import { Controller } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsNotEmpty, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { JsonBody, PostOk, PROJECT_V1 } from '../api/rest.js';
import { newId } from '../ids.js';
import { jsonNames } from '../messages/content/json-names.js';
import { RecipientInput } from '../messages/messages.input.js';
import { recipientOf } from '../messages/send-command.js';
import { CapabilityService } from './capability.service.js';

class QueryCapabilityRequest {
  @IsString()
  @IsNotEmpty()
  appId!: string;

  @IsNotEmpty()
  @ValidateNested()
  @Type(() => RecipientInput)
  recipient!: RecipientInput;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  requestId?: string;
}

/** Capability lookups of the Conversation API. */
@Controller(PROJECT_V1)
export class CapabilityController {
  constructor(private readonly capability: CapabilityService) {}

  @PostOk('capability\\:query')
  async query(
    @CurrentCaller() { projectId }: Caller,
    @JsonBody(QueryCapabilityRequest) request: QueryCapabilityRequest,
  ): Promise<object> {
    const { appId, recipient } = request;
    const requestId = request.requestId || newId();
    await this.capability.report({ projectId, appId, recipient: recipientOf(request), requestId });
    return { app_id: appId, recipient: jsonNames(recipient), request_id: requestId };
  }
}
