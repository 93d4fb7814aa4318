import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { ConversationChannel } from '../channels/channel.js';
import type {
  AppMessage,
  GenericContent,
  TemplateMessage,
  TemplateReference,
} from '../content/app-message.js';
import type { TemplateContent } from '../content/template-content.js';
import { queryRows } from '../database/rows.js';
import { DomainError, notFound } from '../errors.js';
import { newId } from '../ids.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import { render } from './render.js';
import { TemplateError } from './template-error.js';
import { Template } from './template.entity.js';
import type { CreateTemplateInput, UpdateTemplateInput } from './templates.input.js';
import { assertDefault, translationsOf } from './translations.js';

@Injectable()
export class TemplatesService {
  constructor(private readonly dataSource: DataSource) {}

  /** @throws DomainError INVALID_ARGUMENT; ALREADY_EXISTS when the project has a template of this id. */
  async create(projectId: string, input: CreateTemplateInput): Promise<Template> {
    const id = input.id ?? newId();
    const translations = translationsOf(input.translations, [], 1, new Date());
    assertDefault(input.defaultTranslation, translations);
    const [template] = await queryRows<Template>(
      this.dataSource.manager,
      `INSERT INTO templates (project_id, id, description, default_translation, translations)
       VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING *`,
      [projectId, id, input.description ?? '', input.defaultTranslation, JSON.stringify(translations)],
    );
    if (!template) throw new DomainError('ALREADY_EXISTS', `template ${id} exists already`);
    return template;
  }

  /** @throws DomainError NOT_FOUND */
  async get(projectId: string, id: string): Promise<Template> {
    const template = await this.find(projectId, id);
    if (!template) throw notFound('Template', id);
    return template;
  }

  /** In order of their ids. */
  async list(projectId: string, page: PageRequest): Promise<Page<Template>> {
    const keyset = keysetOf(page, 1);
    const [sign, order] = keyset.backward ? ['<', 'DESC'] : ['>', 'ASC'];
    const rows = await queryRows<Template>(
      this.dataSource.manager,
      `SELECT * FROM templates WHERE project_id = $1 ${keyset.position ? `AND id ${sign} $3` : ''}
       ORDER BY id ${order} LIMIT $2`,
      [projectId, keyset.limit + 1, ...(keyset.position ?? [])],
    );
    return pageOf(rows, keyset, ({ id }) => [id]);
  }

  /**
   * What is absent stays; a list of translations replaces the whole list.
   * @throws DomainError NOT_FOUND; INVALID_ARGUMENT; ALREADY_EXISTS when `version` is not the current one.
   */
  async update(projectId: string, id: string, input: UpdateTemplateInput): Promise<Template> {
    const stored = await this.get(projectId, id);
    if (stored.version !== input.version) throw outdated(id, input.version);
    const {
      description = stored.description,
      defaultTranslation = stored.defaultTranslation,
      translations: inputs,
    } = input;
    const translations = inputs
      ? translationsOf(inputs, stored.translations, stored.version + 1, new Date())
      : stored.translations;
    assertDefault(defaultTranslation, translations);
    const [template] = await queryRows<Template>(
      this.dataSource.manager,
      `UPDATE templates SET version = version + 1, description = $4, default_translation = $5, translations = $6,
         updated_at = now()
       WHERE project_id = $1 AND id = $2 AND version = $3 RETURNING *`,
      [projectId, id, input.version, description ?? '', defaultTranslation, JSON.stringify(translations)],
    );
    if (!template) throw outdated(id, input.version);
    return template;
  }

  /** @throws DomainError NOT_FOUND */
  async delete(projectId: string, id: string): Promise<void> {
    const { affected } = await this.dataSource.manager.delete(Template, { projectId, id });
    if (!affected) throw notFound('Template', id);
  }

  /**
   * What the message says on a channel once its template is filled in: generic content in place of a reference. A message that
   * refers to none there is given back as it is, without a query.
   * @throws TemplateError with the reason for which the message fails
   */
  async resolve(projectId: string, message: AppMessage, channel: ConversationChannel): Promise<AppMessage> {
    // In the order in which a channel looks for what to say.
    if (message.explicit_channel_message?.[channel] ?? message.channel_specific_message?.[channel]) {
      return message;
    }
    const override = message.explicit_channel_omni_message?.[channel];
    if (override) {
      if (!override.template_reference) return message;
      const content = await this.render(projectId, override.template_reference, channel);
      const overrides = { ...message.explicit_channel_omni_message, [channel]: content };
      return { ...message, explicit_channel_omni_message: overrides };
    }
    const { template_message: template, ...rest } = message;
    if (!template) return message;
    return { ...rest, ...(await this.render(projectId, referenceOn(channel, template), channel)) };
  }

  /**
   * What a template says, filled in. A template that is another template says what that one says; no more than one step is gone,
   * so that they cannot go round in circles.
   * @throws TemplateError
   */
  async render(
    projectId: string,
    reference: TemplateReference,
    channel: ConversationChannel,
  ): Promise<GenericContent> {
    const { template_message: another, ...content } = await this.renderOne(projectId, reference);
    if (!another) return content;
    const next = referenceOn(channel, another);
    const { template_message: third, ...said } = await this.renderOne(projectId, next);
    if (!third) return said;
    throw new TemplateError(
      'BAD_REQUEST',
      `template ${reference.template_id} is template ${next.template_id}, which is a third: one step is allowed`,
    );
  }

  private async renderOne(projectId: string, reference: TemplateReference): Promise<TemplateContent> {
    const template = await this.find(projectId, reference.template_id);
    if (template) return render(template, reference);
    throw new TemplateError('TEMPLATE_NOT_FOUND', `template ${reference.template_id} was not found`);
  }

  private async find(projectId: string, id: string): Promise<Template | null> {
    return this.dataSource.manager.findOneBy(Template, { projectId, id });
  }
}

/** @throws TemplateError when there is none for the channel. */
function referenceOn(channel: ConversationChannel, template: TemplateMessage): TemplateReference {
  const reference = template.channel_template?.[channel] ?? template.omni_template;
  if (reference) return reference;
  throw new TemplateError(
    'TEMPLATE_NOT_FOUND',
    `the message has no template for ${channel}, nor one for all`,
  );
}

function outdated(id: string, version: number): DomainError {
  return new DomainError(
    'ALREADY_EXISTS',
    `template ${id} is not at version ${version} any more; read it again and repeat the change with its version`,
  );
}
