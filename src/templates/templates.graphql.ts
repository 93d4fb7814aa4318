import { Args, Field, ID, Int, Mutation, ObjectType, Query, Resolver } from '@nestjs/graphql';
import type { Caller } from '../access/caller.js';
import { type Connection, connectionType, PageArgs, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { OpenTo } from '../api/open-to.js';
import { Json } from '../api/scalars.js';
import type { Template } from './template.entity.js';
import { CreateTemplateInput, UpdateTemplateInput } from './templates.input.js';
import { TemplatesService } from './templates.service.js';

@ObjectType('TemplateVariable', {
  description: 'A gap in a template, which the parameters of a message fill in.',
})
export class TemplateVariableType {
  @Field({ description: 'Its name; in texts it is written ${key}.' })
  key!: string;

  @Field({ description: 'What a preview shows in its place; may be empty.' })
  previewValue!: string;
}

@ObjectType('TemplateTranslation', { description: 'What a template says in one language.' })
export class TemplateTranslationType {
  @Field({ description: 'BCP 47.' })
  languageCode!: string;

  @Field({ description: 'Version of the translation. The newest of a language is also known as latest.' })
  version!: string;

  @Field(() => Json, { description: "The message in the Conversation API's own JSON, with its ${key}." })
  message!: unknown;

  @Field(() => [TemplateVariableType], { description: 'A message has to give a value for each.' })
  variables!: TemplateVariableType[];

  @Field(() => Json, {
    description: "Which of a channel's own templates to use there, by channel: {} when none is set.",
  })
  channelTemplateOverrides!: unknown;

  @Field(() => Date, { description: 'When this version was made.' })
  createdAt!: string;

  @Field(() => Date, { description: 'When it was last changed.' })
  updatedAt!: string;
}

@ObjectType('Template', {
  description:
    'A message that is written beforehand, in one language or several, with gaps to fill in when it is sent.',
})
export class TemplateType {
  @Field(() => ID, { description: 'Unique in the project.' })
  id!: string;

  @Field({ description: 'For people; may be empty.' })
  description!: string;

  @Field(() => Int, { description: 'Counts the updates, from 1; an update has to name the current one.' })
  version!: number;

  @Field({ description: 'Language that is used when a message asks for none.' })
  defaultTranslation!: string;

  @Field(() => [TemplateTranslationType], { description: 'Each version of a language once.' })
  translations!: TemplateTranslationType[];

  @Field({ description: 'When it was made.' })
  createdAt!: Date;

  @Field({ description: 'When it was last changed.' })
  updatedAt!: Date;
}

@ObjectType({ description: 'A page of templates.' })
export class TemplateConnection extends connectionType('Template', TemplateType) {}

@Resolver(() => TemplateType)
export class TemplatesResolver {
  constructor(private readonly templates: TemplatesService) {}

  @Query(() => TemplateConnection, { name: 'templates', description: 'In order of their ids.' })
  @OpenTo('AGENT')
  async list(@CurrentCaller() { projectId }: Caller, @Args() page: PageArgs): Promise<Connection<Template>> {
    return toConnection(await this.templates.list(projectId, page));
  }

  @Query(() => TemplateType, { name: 'template', nullable: true, description: 'One template.' })
  @OpenTo('AGENT')
  get(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID, description: 'Its id.' }) id: string,
  ): Promise<Template> {
    return this.templates.get(projectId, id);
  }

  @Mutation(() => TemplateType, {
    description: 'Makes a template. CONFLICT when the project has one of the same id.',
  })
  createTemplate(
    @CurrentCaller() { projectId }: Caller,
    @Args('input', { description: 'The template.' }) input: CreateTemplateInput,
  ): Promise<Template> {
    return this.templates.create(projectId, input);
  }

  @Mutation(() => TemplateType, {
    description: 'Changes a template. CONFLICT when somebody else has changed it since the version was read.',
  })
  updateTemplate(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID, description: 'Its id.' }) id: string,
    @Args('input', { description: 'What to change.' }) input: UpdateTemplateInput,
  ): Promise<Template> {
    return this.templates.update(projectId, id, input);
  }

  @Mutation(() => Boolean, {
    description: 'Messages that refer to it and have not been sent yet fail with TEMPLATE_NOT_FOUND.',
  })
  async deleteTemplate(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID, description: 'Its id.' }) id: string,
  ): Promise<boolean> {
    await this.templates.delete(projectId, id);
    return true;
  }
}
