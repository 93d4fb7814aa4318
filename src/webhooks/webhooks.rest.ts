import { Controller, Delete, Get, Param, Patch } from '@nestjs/common';
import { IsNotEmpty, IsString } from 'class-validator';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { IfGiven } from '../api/marks.js';
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
import type { ClientCredentials } from './client-credentials.js';
import type { Webhook } from './webhook.entity.js';
import { type WebhookWire, webhookWire } from './webhook.wire.js';
import { CreateWebhookInput, UpdateWebhookInput, WebhookTargetType } from './webhooks.input.js';
import { WebhooksService } from './webhooks.service.js';

export class UpdateWebhookBody extends UpdateWebhookInput {
  /** An app that the webhook is moved to. */
  @IfGiven()
  @IsString()
  @IsNotEmpty()
  appId?: string;
}

/** The reference's default, whose zero value it is. */
const DEFAULT_TARGET_TYPE = WebhookTargetType.DISMISS;

/** What a mask may list single members of; a client secret that is null stays. */
const NO_CREDENTIALS: Record<keyof ClientCredentials, null> = {
  endpoint: null,
  clientId: null,
  clientSecret: null,
  scope: null,
  responseType: null,
  tokenRequestType: null,
};

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
    const targetType = input.targetType ?? DEFAULT_TARGET_TYPE;
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
    const credentials = this.webhooks.clientCredentials(await this.webhooks.get(projectId, id));
    const stored = { clientCredentials: { ...NO_CREDENTIALS, ...credentials, clientSecret: null } };
    const input = await inputOf(UpdateWebhookBody, reset(unmasked(patchOf(body, mask, stored))));
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

/** What a mask lists and the body lacks gets the value that a new webhook has. */
function reset(patch: Plain): Plain {
  return {
    ...patch,
    ...(patch.triggers === null ? { triggers: [] } : {}),
    ...(patch.targetType === null ? { targetType: DEFAULT_TARGET_TYPE } : {}),
  };
}
