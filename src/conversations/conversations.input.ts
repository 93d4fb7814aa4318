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
  valuesMap: {
    OPEN: { description: 'Waits for an agent, or is being answered.' },
    SNOOZED: { description: 'Put off until snoozedUntil; a message of the person brings it back earlier.' },
    CLOSED: { description: 'Done; a message of the person opens it again.' },
  },
});

@InputType({ description: 'Which conversations; what is left out does not restrict.' })
export class InboxFilter {
  @Field(() => InboxStatusEnum, { nullable: true, description: 'Conversations of this status.' })
  @IsOptional()
  @IsEnum(InboxStatusEnum)
  status?: InboxStatusEnum | null;

  @Field(() => String, { nullable: true, description: 'Conversations of this agent.' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  assignee?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'True: conversations that no agent has. False: those that one has.',
  })
  @IsOptional()
  @IsBoolean()
  unassigned?: boolean | null;

  @Field(() => [String], { nullable: true, description: 'Conversations that have all of these labels.' })
  @IsOptional()
  @ArrayMaxSize(20)
  @IsString({ each: true })
  labels?: string[] | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'True: conversations with messages that no agent has read. False: those without.',
  })
  @IsOptional()
  @IsBoolean()
  unread?: boolean | null;

  @Field(() => ConversationChannelName, {
    nullable: true,
    description: 'Conversations whose active channel is this one.',
  })
  @IsOptional()
  @IsEnum(ConversationChannelName)
  channel?: ConversationChannelName | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'True: conversations that go on. False: those that were stopped.',
  })
  @IsOptional()
  @IsBoolean()
  active?: boolean | null;

  @Field(() => ID, { nullable: true, description: 'Conversations with this contact.' })
  @IsOptional()
  @IsString()
  contactId?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Conversations whose contact has these words (see ContactFilter.text), or a message of which does (see searchMessages): of messages and contacts the latest 1,000 that match count. Empty does not restrict.',
  })
  @IsOptional()
  @IsString()
  text?: string | null;
}

@InputType({ description: 'What to change; what is left out stays.' })
export class UpdateConversationInput {
  @Field(() => InboxStatusEnum, { nullable: true, description: 'Where it stands for the agents.' })
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
    description:
      'Until when to snooze: in the future, at most a year ahead. Required with status SNOOZED, and means it when the status is left out; null wakes.',
  })
  @IsOptional()
  snoozedUntil?: Date | null;

  @Field(() => String, {
    nullable: true,
    description: "The customer's own text; at most 1,024 characters. Empty removes it.",
  })
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  metadata?: string | null;
}
