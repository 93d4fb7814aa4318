import { Field, ID, InputType, Int, registerEnumType } from '@nestjs/graphql';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsEnum,
  IsInt,
  IsString,
  Length,
  Max,
  Min,
} from 'class-validator';
import { MAX_TOKEN_SECONDS } from '../access/signing-keys.js';

const MIN_SECONDS = 60;
const DEFAULT_SECONDS = 3_600;
const MAX_APPS = 100;

export enum InboxRoleEnum {
  VIEWER = 'VIEWER',
  AGENT = 'AGENT',
}

registerEnumType(InboxRoleEnum, {
  name: 'InboxRole',
  description: 'What a person may do with an inbox token.',
  valuesMap: {
    VIEWER: { description: 'Reads and subscribes.' },
    AGENT: { description: 'As VIEWER; also sends, and keeps the state of the inbox.' },
  },
});

@InputType({ description: 'For whom an inbox token is, and what it opens.' })
export class CreateInboxTokenInput {
  @Field(() => [ID], {
    description: `The apps of the project that it reaches, 1 to ${MAX_APPS}. Anything of other apps is not found.`,
  })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_APPS)
  @ArrayUnique()
  @IsString({ each: true })
  appIds!: string[];

  @Field({
    description:
      'Who it is for, by your own id, 1 to 255 characters: what this person does is told under it.',
  })
  @IsString()
  @Length(1, 255)
  agentId!: string;

  @Field(() => InboxRoleEnum, { description: 'What the person may do.' })
  @IsEnum(InboxRoleEnum)
  role!: InboxRoleEnum;

  @Field(() => Int, {
    defaultValue: DEFAULT_SECONDS,
    description: `How long it is valid, in seconds: ${MIN_SECONDS} to ${MAX_TOKEN_SECONDS} (a day).`,
  })
  @IsInt()
  @Min(MIN_SECONDS)
  @Max(MAX_TOKEN_SECONDS)
  ttlSeconds: number = DEFAULT_SECONDS;
}
