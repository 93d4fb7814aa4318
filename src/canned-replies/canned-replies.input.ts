import { ArgsType, Field, ID, InputType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import { IsNotEmpty, IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { PageArgs } from '../api/connection.js';
import { AppMessageInput } from '../messages/content/app-message.input.js';

const SHORTCUT = /^[a-z0-9_-]{1,50}$/;
const SHORTCUT_RULE = { message: 'shortcut must be 1 to 50 of a-z, 0-9, _ and -' };
const MAX_TITLE = 200;

@InputType({ description: 'A canned reply to make.' })
export class CreateCannedReplyInput {
  @Field(() => ID, {
    nullable: true,
    description:
      'For the agents of this app; for those of every app when left out, which takes an access key.',
  })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  appId?: string | null;

  @Field({ description: 'What agents type to find it: 1 to 50 of a-z, 0-9, _ and -, each once an app.' })
  @Matches(SHORTCUT, SHORTCUT_RULE)
  shortcut!: string;

  @Field({ description: 'What agents know it by; 1 to 200 characters.' })
  @IsString()
  @Matches(/\S/, { message: 'title must not be empty' })
  @MaxLength(MAX_TITLE)
  title!: string;

  @Field(() => AppMessageInput, { description: 'What it says.' })
  @ValidateNested()
  @Type(() => AppMessageInput)
  @IsNotEmpty()
  message!: AppMessageInput;
}

@InputType({ description: 'What to change; what is left out stays.' })
export class UpdateCannedReplyInput {
  @Field(() => String, {
    nullable: true,
    description: 'What agents type to find it: 1 to 50 of a-z, 0-9, _ and -, each once an app.',
  })
  @IsOptional()
  @Matches(SHORTCUT, SHORTCUT_RULE)
  shortcut?: string | null;

  @Field(() => String, { nullable: true, description: 'What agents know it by; 1 to 200 characters.' })
  @IsOptional()
  @IsString()
  @Matches(/\S/, { message: 'title must not be empty' })
  @MaxLength(MAX_TITLE)
  title?: string | null;

  @Field(() => AppMessageInput, { nullable: true, description: 'What it says, all of it.' })
  @IsOptional()
  @ValidateNested()
  @Type(() => AppMessageInput)
  message?: AppMessageInput | null;
}

@ArgsType()
export class CannedRepliesArgs extends PageArgs {
  @Field(() => ID, { description: 'The app whose agents ask.' })
  @IsString()
  @IsNotEmpty()
  appId!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Only those whose shortcut, title or a word of the title begins with it, in any case.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_TITLE)
  text?: string | null;
}
