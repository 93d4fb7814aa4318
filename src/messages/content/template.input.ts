import { Field, ID, InputType } from '@nestjs/graphql';
import { IsEnum, IsString, MaxLength } from 'class-validator';
import { ConversationChannelName } from '../../channels/conversation-channel.js';
import {
  MAX_CHANNELS,
  MAX_NAME,
  MAX_TEXT,
  OptionalNested,
  OptionalNestedList,
  OptionalText,
  Text,
  Unique,
} from './marks.js';

const MAX_PARAMETERS = 200;

@InputType({ description: 'The value of a variable of a template.' })
export class TemplateParameterInput {
  @Field({ description: 'Name of the variable.' })
  @Text(MAX_NAME)
  key!: string;

  @Field({ description: 'What stands in its place.' })
  @IsString()
  @MaxLength(MAX_TEXT)
  value!: string;
}

@InputType({ description: 'A template, with the values of its variables.' })
export class TemplateReferenceInput {
  @Field(() => ID, { description: 'The template.' })
  @Text(MAX_NAME)
  templateId!: string;

  @Field(() => String, {
    nullable: true,
    description: 'One of its versions, or latest; latest when left out.',
  })
  @OptionalText(MAX_NAME)
  version?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "BCP 47, e.g. en-US; the template's default language when left out.",
  })
  @OptionalText(MAX_NAME)
  languageCode?: string | null;

  @Field(() => [TemplateParameterInput], { nullable: true, description: 'The variables, each once.' })
  @OptionalNestedList(() => TemplateParameterInput, MAX_PARAMETERS)
  @Unique('key')
  parameters?: TemplateParameterInput[] | null;
}

@InputType({ description: "A template of a channel's own." })
export class ChannelTemplateInput extends TemplateReferenceInput {
  @Field(() => ConversationChannelName, { description: 'The channel.' })
  @IsEnum(ConversationChannelName)
  channel!: ConversationChannelName;
}

@InputType({
  description: 'A message made from a template: at least one of omniTemplate and channelTemplate.',
})
export class TemplateMessageInput {
  @Field(() => TemplateReferenceInput, { nullable: true, description: 'A template for every channel.' })
  @OptionalNested(() => TemplateReferenceInput)
  omniTemplate?: TemplateReferenceInput | null;

  @Field(() => [ChannelTemplateInput], {
    nullable: true,
    description: "Templates of the channels' own, each channel once; they go before omniTemplate.",
  })
  @OptionalNestedList(() => ChannelTemplateInput, MAX_CHANNELS)
  @Unique('channel')
  channelTemplate?: ChannelTemplateInput[] | null;
}
