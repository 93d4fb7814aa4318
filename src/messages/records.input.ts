// What clients of the Conversation API ask of the messages that are stored.
import { Transform, Type as Become } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsDate,
  IsEnum,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  MaxLength,
  Min,
} from 'class-validator';
import { ConversationChannelName } from '../channels/conversation-channel.js';
import { queryTimeOf, timeOf } from '../wire/time.js';
import {
  IsDirection,
  IsSource,
  IsView,
  ListMessagesInput,
  MAX_IDENTITY,
  type MessagesSource,
  type View,
  withoutPlus,
} from './list-messages.input.js';
import type { ConversationDirection } from './message.entity.js';

/** As many as a page holds. */
const MAX_ASKED = 1_000;

const flag = ({ value }: { value: unknown }): unknown =>
  value === 'true' ? true : value === 'false' ? false : value;

export class GetMessageInput {
  @IsString()
  @IsNotEmpty()
  messageId!: string;
}

export class MessageSourceQuery {
  @IsOptional()
  @IsSource()
  messagesSource?: MessagesSource;
}

/** The same as a query, all of whose values are texts. */
export class ListMessagesQuery extends ListMessagesInput {
  @Become(() => Number)
  declare pageSize?: number;

  @Transform(({ value }) => queryTimeOf(value))
  declare startTime?: Date;

  @Transform(({ value }) => queryTimeOf(value))
  declare endTime?: Date;

  @Transform(flag)
  declare onlyRecipientOriginated?: boolean;
}

/** Source: Conversation API, last messages. */
export class LastMessagesInput {
  @IsOptional()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_ASKED)
  @Transform(({ value }: { value: unknown }) => (Array.isArray(value) ? value.map(withoutPlus) : value))
  @IsString({ each: true })
  @MaxLength(MAX_IDENTITY, { each: true })
  channelIdentities?: string[];

  @IsOptional()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_ASKED)
  @IsString({ each: true })
  contactIds?: string[];

  @IsOptional()
  @IsString()
  appId?: string;

  @IsOptional()
  @IsSource()
  messagesSource?: MessagesSource;

  @IsOptional()
  @IsInt()
  @Min(0)
  pageSize?: number;

  @IsOptional()
  @IsString()
  pageToken?: string;

  @IsOptional()
  @IsView()
  view?: View;

  @IsOptional()
  @Transform(({ value }) => timeOf(value))
  @IsDate()
  startTime?: Date;

  @IsOptional()
  @Transform(({ value }) => timeOf(value))
  @IsDate()
  endTime?: Date;

  @IsOptional()
  @IsEnum(ConversationChannelName)
  channel?: ConversationChannelName;

  @IsOptional()
  @IsDirection()
  direction?: ConversationDirection;
}

export class UpdateMessageInput {
  @IsString()
  @MaxLength(1024)
  metadata!: string;
}
