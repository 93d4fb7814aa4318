import { Body, Controller, Delete, Get, Param, Put } from '@nestjs/common';
import { IsOptional, IsString } from 'class-validator';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { inputOf, PostOk, PROJECT_V2, WireQuery } from '../api/rest.js';
import { MAX_PAGE_SIZE } from '../page.js';
import { sameLanguage } from './language.js';
import type { Template } from './template.entity.js';
import { readTemplateWire, templateInput, templateWire, translationWire } from './template.wire.js';
import { CreateTemplateInput, UpdateTemplateInput } from './templates.input.js';
import { TemplatesService } from './templates.service.js';

class TranslationsQuery {
  @IsOptional()
  @IsString()
  languageCode?: string;

  @IsOptional()
  @IsString()
  translationVersion?: string;
}

/** Templates of the Conversation API, version 2. */
@Controller(PROJECT_V2)
export class TemplatesController {
  constructor(private readonly templates: TemplatesService) {}

  @Get('templates')
  async list(@CurrentCaller() { projectId }: Caller): Promise<{ templates: object[] }> {
    return { templates: (await this.all(projectId)).map(readTemplateWire) };
  }

  @PostOk('templates')
  async create(@CurrentCaller() { projectId }: Caller, @Body() body: unknown): Promise<object> {
    const input = await inputOf(CreateTemplateInput, templateInput(body));
    return templateWire(await this.templates.create(projectId, input));
  }

  @Get('templates/:template_id')
  async get(@CurrentCaller() { projectId }: Caller, @Param('template_id') id: string): Promise<object> {
    return readTemplateWire(await this.templates.get(projectId, id));
  }

  @Put('templates/:template_id')
  async update(
    @CurrentCaller() { projectId }: Caller,
    @Param('template_id') id: string,
    @Body() body: unknown,
  ): Promise<object> {
    const input = await inputOf(UpdateTemplateInput, templateInput(body));
    return templateWire(await this.templates.update(projectId, id, input));
  }

  @Delete('templates/:template_id')
  async delete(
    @CurrentCaller() { projectId }: Caller,
    @Param('template_id') id: string,
  ): Promise<Record<string, never>> {
    await this.templates.delete(projectId, id);
    return {};
  }

  @Get('templates/:template_id/translations')
  async translations(
    @CurrentCaller() { projectId }: Caller,
    @Param('template_id') id: string,
    @WireQuery(TranslationsQuery) { languageCode, translationVersion }: TranslationsQuery,
  ): Promise<{ translations: object[] }> {
    const { translations } = await this.templates.get(projectId, id);
    const found = translations.filter(
      (translation) =>
        (!languageCode || sameLanguage(translation.languageCode, languageCode)) &&
        (!translationVersion || translation.version === translationVersion),
    );
    return { translations: found.map(translationWire) };
  }

  /** The API does not page them. */
  private async all(projectId: string): Promise<Template[]> {
    const templates: Template[] = [];
    for (let after: string | null = null, more = true; more;) {
      const page = await this.templates.list(projectId, { first: MAX_PAGE_SIZE, after });
      templates.push(...page.items.map(({ node }) => node));
      after = page.items.at(-1)?.cursor ?? null;
      more = page.hasNextPage;
    }
    return templates;
  }
}
