import { Controller, Delete, Get, Param, Patch } from '@nestjs/common';
import { IsNotEmpty, IsString, ValidateIf } from 'class-validator';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import {
  inputOf,
  JsonBody,
  patchOf,
  type Plain,
  PlainBody,
  PostOk,
  PROJECT_V1,
  UpdateMask,
} from '../api/rest.js';
import { SECRET_MASK } from '../secrets.js';
import type { Webhook } from './webhook.entity.js';
import { type WebhookWire, webhookWire } from './webhook.wire.js';
import { CreateWebhookInput, UpdateWebhookInput, WebhookTargetType } from './webhooks.input.js';
import { WebhooksService } from './webhooks.service.js';

export class UpdateWebhookBody extends UpdateWebhookInput {
  /** An app that the webhook is moved to. */
  @ValidateIf((_body: object, value: unknown) => value !== undefined)
  @IsString()
  @IsNotEmpty()
  appId?: string;
}

/** Webhooks of the Conversation API. */
@Controller(PROJECT_V1)
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  @Get('apps/:app_id/webhooks')
  async list(
    @CurrentCaller() { projectId }: Caller,
    @Param('app_id') appId: string,
  ): Promise<{ webhooks: WebhookWire[] }> {
    const webhooks = await this.webhooks.list(projectId, appId);
    return { webhooks: webhooks.map((webhook) => this.wire(webhook)) };
  }

  @PostOk('webhooks')
  async create(
    @CurrentCaller() { projectId }: Caller,
    @JsonBody(CreateWebhookInput) input: CreateWebhookInput,
  ): Promise<WebhookWire> {
    // The reference's default, whose zero value it is.
    const targetType = input.targetType ?? WebhookTargetType.DISMISS;
    return this.wire(await this.webhooks.create(projectId, { ...input, targetType }));
  }

  @Get('webhooks/:webhook_id')
  async get(@CurrentCaller() { projectId }: Caller, @Param('webhook_id') id: string): Promise<WebhookWire> {
    return this.wire(await this.webhooks.get(projectId, id));
  }

  @Patch('webhooks/:webhook_id')
  async update(
    @CurrentCaller() { projectId }: Caller,
    @Param('webhook_id') id: string,
    @PlainBody(UpdateWebhookBody) body: Plain,
    @UpdateMask() mask: string[] | null,
  ): Promise<WebhookWire> {
    const input = await inputOf(UpdateWebhookBody, unmasked(patchOf(body, mask)));
    return this.wire(await this.webhooks.update(projectId, id, input));
  }

  @Delete('webhooks/:webhook_id')
  async delete(
    @CurrentCaller() { projectId }: Caller,
    @Param('webhook_id') id: string,
  ): Promise<Record<string, never>> {
    await this.webhooks.delete(projectId, id);
    return {};
  }

  private wire(webhook: Webhook): WebhookWire {
    return webhookWire(webhook, this.webhooks.clientCredentials(webhook));
  }
}

/** A client that writes back what it read keeps the secrets that it was not shown. */
function unmasked({ secret, clientCredentials, ...rest }: Plain): Plain {
  const credentials = clientCredentials as Plain | null | undefined;
  return {
    ...rest,
    ...(secret === undefined || secret === SECRET_MASK ? {} : { secret }),
    ...(credentials === undefined
      ? {}
      : {
          clientCredentials:
            credentials?.clientSecret === SECRET_MASK ? { ...credentials, clientSecret: null } : credentials,
        }),
  };
}
