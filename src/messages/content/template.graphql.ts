import { Field, ID, ObjectType } from '@nestjs/graphql';
import { ConversationChannelName } from '../../channels/conversation-channel.js';
import type {
  TemplateMessage as TemplateContent,
  TemplateReference as ReferenceContent,
} from '../../content/app-message.js';

@ObjectType({ description: 'The value of a variable of a template.' })
export class TemplateParameter {
  @Field({ description: 'Name of the variable.' })
  key!: string;

  @Field({ description: 'What stands in its place.' })
  value!: string;
}

@ObjectType({ description: 'A template, with the values of its variables.' })
export class TemplateReference {
  @Field(() => ID, { description: 'The template.' })
  templateId!: string;

  @Field(() => String, { nullable: true, description: 'One of its versions, or latest.' })
  version!: string | null;

  @Field(() => String, { nullable: true, description: 'BCP 47, e.g. en-US.' })
  languageCode!: string | null;

  @Field(() => [TemplateParameter], { description: 'The variables.' })
  parameters!: TemplateParameter[];
}

@ObjectType({ description: "A template of a channel's own." })
export class ChannelTemplate extends TemplateReference {
  @Field(() => ConversationChannelName, { description: 'The channel.' })
  channel!: string;
}

@ObjectType({ description: 'A message made from a template.' })
export class TemplateMessage {
  @Field(() => TemplateReference, { nullable: true, description: 'A template for every channel.' })
  omniTemplate!: TemplateReference | null;

  @Field(() => [ChannelTemplate], {
    description: "Templates of the channels' own; they go before omniTemplate.",
  })
  channelTemplate!: ChannelTemplate[];
}

export function templateMessageOf({ omni_template, channel_template }: TemplateContent): TemplateMessage {
  return {
    omniTemplate: omni_template ? referenceOf(omni_template) : null,
    channelTemplate: Object.entries(channel_template ?? {}).flatMap(([channel, reference]) =>
      reference ? [{ channel, ...referenceOf(reference) }] : [],
    ),
  };
}

function referenceOf(reference: ReferenceContent): TemplateReference {
  return {
    templateId: reference.template_id,
    version: reference.version ?? null,
    languageCode: reference.language_code ?? null,
    parameters: Object.entries(reference.parameters ?? {}).map(([key, value]) => ({ key, value })),
  };
}
