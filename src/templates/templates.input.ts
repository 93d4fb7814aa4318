import { Field, InputType, Int } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { IfGiven } from '../api/marks.js';
import { Json } from '../api/scalars.js';
import { LANGUAGE_CODE } from './language.js';
import { VARIABLE_KEY } from './placeholders.js';

const MAX_DESCRIPTION = 1_024;
const MAX_PREVIEW = 1_024;
const MAX_VARIABLES = 100;
const MAX_TRANSLATIONS = 100;

/** Part of a path, so neither a dot alone nor a colon, which begins a verb. */
const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;
const VERSION = /^(?!latest$)[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/i;

const LANGUAGE = { message: '$property must be a BCP 47 language code such as en, en-US or sr_Latn' };

@InputType({ description: 'A gap in a template, which the parameters of a message fill in.' })
export class TemplateVariableInput {
  @Field({ description: 'Up to 64 letters, digits, _, . and -. In texts it is written ${key}.' })
  @Matches(VARIABLE_KEY, { message: 'key must be up to 64 letters, digits, _, . and -' })
  key!: string;

  @Field(() => String, { nullable: true, description: 'What a preview shows in its place.' })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_PREVIEW)
  previewValue?: string | null;
}

@InputType({ description: 'What a template says in one language.' })
export class TemplateTranslationInput {
  @Field({ description: 'BCP 47; en-US and en_US are the same.' })
  @Matches(LANGUAGE_CODE, LANGUAGE)
  languageCode!: string;

  @Field(() => String, {
    nullable: true,
    description:
      'Version of the translation: up to 64 letters, digits, _, . and -, once a language, and not "latest", which is the newest of a language (10 is newer than 9). When absent, the version that the template gets by this call.',
  })
  @IsOptional()
  @Matches(VERSION, {
    message: 'version must be up to 64 letters, digits, _, . and -, and not latest',
  })
  version?: string | null;

  @Field(() => Json, {
    description:
      'The message in the Conversation API\'s own JSON, such as {"text_message": {"text": "Hello ${name}"}}: exactly one of text_message, media_message, card_message, carousel_message, choice_message, list_message, location_message, contact_info_message and template_message. Any text may hold ${key} of a declared variable.',
  })
  @IsObject()
  message!: Record<string, unknown>;

  @Field(() => [TemplateVariableInput], {
    nullable: true,
    description: 'Every variable that the message has; keys are unique.',
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_VARIABLES)
  @ArrayUnique(({ key }: TemplateVariableInput) => key, { message: 'variables must have unique keys' })
  @ValidateNested({ each: true })
  @Type(() => TemplateVariableInput)
  variables?: TemplateVariableInput[] | null;

  @Field(() => Json, {
    nullable: true,
    description:
      "WHATSAPP or KAKAOTALK to {template_reference, parameter_mappings}: which of the channel's own templates to use there, and which variable each of its parameters is. Kept and given back.",
  })
  @IsOptional()
  @IsObject()
  channelTemplateOverrides?: Record<string, unknown> | null;
}

@InputType({ description: 'A template to make.' })
export class CreateTemplateInput {
  @Field(() => String, {
    nullable: true,
    description:
      'Your choice, unique in the project: up to 128 letters, digits, _, . and -, the first a letter or digit. Generated when absent.',
  })
  @IsOptional()
  @Matches(ID, {
    message: 'id must be up to 128 letters, digits, _, . and -, the first a letter or digit',
  })
  id?: string | null;

  @Field(() => String, { nullable: true, description: 'For people; at most 1,024 characters.' })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_DESCRIPTION)
  description?: string | null;

  @Field({ description: 'Language that is used when a message asks for none; one of the translations.' })
  @Matches(LANGUAGE_CODE, LANGUAGE)
  defaultTranslation!: string;

  @Field(() => [TemplateTranslationInput], { description: '1 to 100, together at most 256 KiB.' })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_TRANSLATIONS)
  @ValidateNested({ each: true })
  @Type(() => TemplateTranslationInput)
  translations!: TemplateTranslationInput[];
}

@InputType({ description: 'What is absent stays as it is.' })
export class UpdateTemplateInput {
  @Field(() => Int, {
    description: 'The version that you know. When it is not the current one any more, nothing is changed.',
  })
  @IsInt()
  version!: number;

  @Field(() => String, {
    nullable: true,
    description: 'For people; at most 1,024 characters. Null empties it.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_DESCRIPTION)
  description?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Language that is used when a message asks for none; one of the translations.',
  })
  @IfGiven()
  @Matches(LANGUAGE_CODE, LANGUAGE)
  defaultTranslation?: string;

  @Field(() => [TemplateTranslationInput], {
    nullable: true,
    description: 'The whole list: versions that are not in it are gone. 1 to 100, together at most 256 KiB.',
  })
  @IfGiven()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_TRANSLATIONS)
  @ValidateNested({ each: true })
  @Type(() => TemplateTranslationInput)
  translations?: TemplateTranslationInput[];
}
