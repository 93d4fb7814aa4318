import { Field, ID, InputType, registerEnumType } from '@nestjs/graphql';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsBoolean,
  IsEnum,
  IsNotEmpty,
  IsOptional,
  IsString,
  MaxLength,
} from 'class-validator';
import { DateTime } from '../api/scalars.js';
import { ConversationChannelName } from '../channels/conversation-channel.js';

export enum InboxStatusEnum {
  OPEN = 'OPEN',
  SNOOZED = 'SNOOZED',
  CLOSED = 'CLOSED',
}
registerEnumType(InboxStatusEnum, {
  name: 'InboxStatus',
  description: 'Where a conversation stands for the agents.',
});

@InputType({ description: 'Which conversations; what is left out does not restrict.' })
export class InboxFilter {
  @Field(() => InboxStatusEnum, { nullable: true })
  @IsOptional()
  @IsEnum(InboxStatusEnum)
  status?: InboxStatusEnum | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  assignee?: string | null;

  @Field(() => Boolean, { nullable: true })
  @IsOptional()
  @IsBoolean()
  unassigned?: boolean | null;

  @Field(() => [String], { nullable: true, description: 'Conversations that have all of these labels.' })
  @IsOptional()
  @ArrayMaxSize(20)
  @IsString({ each: true })
  labels?: string[] | null;

  @Field(() => Boolean, { nullable: true })
  @IsOptional()
  @IsBoolean()
  unread?: boolean | null;

  @Field(() => ConversationChannelName, { nullable: true })
  @IsOptional()
  @IsEnum(ConversationChannelName)
  channel?: ConversationChannelName | null;

  @Field(() => Boolean, { nullable: true })
  @IsOptional()
  @IsBoolean()
  active?: boolean | null;

  @Field(() => ID, { nullable: true })
  @IsOptional()
  @IsString()
  contactId?: string | null;
}

@InputType({ description: 'What to change; what is left out stays.' })
export class UpdateConversationInput {
  @Field(() => InboxStatusEnum, { nullable: true })
  @IsOptional()
  @IsEnum(InboxStatusEnum)
  status?: InboxStatusEnum | null;

  @Field(() => String, { nullable: true, description: 'The agent who takes care of it; null for nobody.' })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(255)
  assignee?: string | null;

  @Field(() => [String], {
    nullable: true,
    description: 'All labels it shall have; at most 50 of at most 100 characters.',
  })
  @IsOptional()
  @ArrayMaxSize(50)
  @ArrayUnique()
  @IsString({ each: true })
  @IsNotEmpty({ each: true })
  @MaxLength(100, { each: true })
  labels?: string[] | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Until when to snooze; required with status SNOOZED.',
  })
  @IsOptional()
  snoozedUntil?: Date | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  metadata?: string | null;
}
