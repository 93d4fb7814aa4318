import { Controller, Delete, Get, Patch } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsBoolean, IsNotEmpty, ValidateNested } from 'class-validator';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { JsonBody, PostOk, PROJECT_V1 } from '../api/rest.js';
import { type ContactSettings, ContactSettingsService } from './contact-settings.service.js';

class ContactSettingsInput {
  @IsBoolean()
  unifiedContactIdEnabled!: boolean;
}

class SettingsRequest {
  @IsNotEmpty()
  @ValidateNested()
  @Type(() => ContactSettingsInput)
  contactSettings!: ContactSettingsInput;
}

/** Project settings of the Conversation API: all there are concern contacts. */
@Controller(`${PROJECT_V1}/settings`)
export class ContactSettingsController {
  constructor(private readonly settings: ContactSettingsService) {}

  @PostOk()
  async create(
    @CurrentCaller() { projectId }: Caller,
    @JsonBody(SettingsRequest) { contactSettings }: SettingsRequest,
  ): Promise<object> {
    return wire(projectId, await this.settings.put(projectId, contactSettings));
  }

  @Get()
  async get(@CurrentCaller() { projectId }: Caller): Promise<object> {
    return wire(projectId, await this.settings.get(projectId));
  }

  @Patch()
  async update(
    @CurrentCaller() { projectId }: Caller,
    @JsonBody(SettingsRequest) { contactSettings }: SettingsRequest,
  ): Promise<object> {
    await this.settings.get(projectId);
    return wire(projectId, await this.settings.put(projectId, contactSettings));
  }

  @Delete()
  async delete(@CurrentCaller() { projectId }: Caller): Promise<Record<string, never>> {
    await this.settings.delete(projectId);
    return {};
  }
}

function wire(projectId: string, { unifiedContactIdEnabled }: ContactSettings): object {
  return {
    project_id: projectId,
    settings: { contact_settings: { unified_contact_id_enabled: unifiedContactIdEnabled } },
  };
}
