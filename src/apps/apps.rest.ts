import { Controller, Delete, Get, Param, Patch } from '@nestjs/common';
import { ArrayMaxSize, IsArray, IsObject, ValidateIf } from 'class-validator';
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
  withoutNulls,
} from '../api/rest.js';
import { SECRET_MASK } from '../secrets.js';
import type { App } from './app.entity.js';
import { NO_FALLBACK, settingsOf } from './app-settings.js';
import { appWire } from './app.wire.js';
import { CreateAppInput, UpdateAppInput } from './apps.input.js';
import { AppsService } from './apps.service.js';
import { MAX_CREDENTIALS, readCredentials, type Values } from './channel-credentials.js';
import { ChannelCredentialsService } from './channel-credentials.service.js';

export class CreateAppBody extends CreateAppInput {
  @IsArray()
  @ArrayMaxSize(MAX_CREDENTIALS)
  @IsObject({ each: true })
  channelCredentials!: Values[];
}

export class UpdateAppBody extends UpdateAppInput {
  /** Null, by a mask without a list: none. */
  @ValidateIf((_body: object, value: unknown) => value != null)
  @IsArray()
  @ArrayMaxSize(MAX_CREDENTIALS)
  @IsObject({ each: true })
  channelCredentials?: Values[] | null;
}

/**
 * Apps of the Conversation API, with their channels as credentials. The channels are connected once the app is stored and before it is
 * answered, so that the state of each entry is what came of it.
 */
@Controller(PROJECT_V1)
export class AppsController {
  constructor(
    private readonly apps: AppsService,
    private readonly credentials: ChannelCredentialsService,
  ) {}

  @Get('apps')
  async list(@CurrentCaller() { projectId }: Caller): Promise<{ apps: object[] }> {
    return { apps: await this.wires(projectId, await this.apps.all(projectId)) };
  }

  @PostOk('apps')
  async create(
    @CurrentCaller() { projectId }: Caller,
    @JsonBody(CreateAppBody, createInputOf) { channelCredentials, ...input }: CreateAppBody,
  ): Promise<object> {
    const credentials = readCredentials(channelCredentials);
    this.credentials.assertGiven(credentials);
    const { id } = await this.apps.create(projectId, input);
    if (credentials.length > 0) await this.credentials.replace(projectId, id, credentials);
    return this.wire(projectId, id);
  }

  @Get('apps/:app_id')
  get(@CurrentCaller() { projectId }: Caller, @Param('app_id') id: string): Promise<object> {
    return this.wire(projectId, id);
  }

  @Patch('apps/:app_id')
  async update(
    @CurrentCaller() { projectId }: Caller,
    @Param('app_id') id: string,
    @PlainBody(UpdateAppBody) body: Plain,
    @UpdateMask() mask: string[] | null,
  ): Promise<object> {
    const stored = settingsIn(await this.apps.get(projectId, id));
    const input = await inputOf(UpdateAppBody, updateInputOf(patchOf(body, mask, stored)));
    const { channelCredentials: list, ...changes } = input;
    const credentials = list === undefined ? null : readCredentials(list ?? []);
    // The list first: what is wrong with it may only show when it is held against what is stored, and then nothing is changed.
    if (credentials) await this.credentials.replace(projectId, id, credentials);
    await this.apps.update(projectId, id, changes);
    return this.wire(projectId, id);
  }

  @Delete('apps/:app_id')
  async delete(
    @CurrentCaller() { projectId }: Caller,
    @Param('app_id') id: string,
  ): Promise<Record<string, never>> {
    await this.apps.delete(projectId, id);
    return {};
  }

  private async wire(projectId: string, id: string): Promise<object> {
    const [wire = {}] = await this.wires(projectId, [await this.apps.get(projectId, id)]);
    return wire;
  }

  private async wires(projectId: string, apps: readonly App[]): Promise<object[]> {
    const credentials = await this.credentials.list(projectId, apps);
    const sizes = await this.apps.outboundSizes(
      projectId,
      apps.map(({ id }) => id),
    );
    return apps.map((app, index) => appWire(app, credentials[index] ?? [], sizes[index] ?? 0));
  }
}

/** The settings of which a mask may list single members. */
function settingsIn(app: App): Record<string, Plain> {
  const { retentionPolicy, dispatchRetentionPolicy, smartConversation, ...others } = settingsOf(app);
  return {
    retentionPolicy,
    dispatchRetentionPolicy,
    smartConversation,
    callbackSettings: { secretForOverriddenCallbackUrls: undefined },
    messageRetrySettings: others.messageRetrySettings ?? { retryDuration: null },
    deliveryReportBasedFallback: others.deliveryReportBasedFallback ?? NO_FALLBACK,
  };
}

/** An app made here is tried again for as long as the reference says, unless told otherwise. */
function createInputOf(body: Plain): Plain {
  return { messageRetrySettings: {}, ...unmasked(withoutNulls(body)) };
}

function updateInputOf(patch: Plain): Plain {
  const reset = patch.messageRetrySettings === null ? { messageRetrySettings: {} } : {};
  return { ...unmasked(patch), ...reset };
}

/** A client that writes back what it read keeps the secret that it was not shown. */
function unmasked(plain: Plain): Plain {
  const settings = plain.callbackSettings as Plain | null | undefined;
  if (settings?.secretForOverriddenCallbackUrls !== SECRET_MASK) return plain;
  const { callbackSettings: _kept, ...rest } = plain;
  return rest;
}
