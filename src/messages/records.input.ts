// What clients of the Conversation API ask of the messages that are stored.
import { Transform } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsBoolean,
  IsDate,
  IsEnum,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  MaxLength,
  Min,
} from 'class-validator';
import { PageQuery } from '../api/rest.js';
import { ConversationChannelName } from '../channels/conversation-channel.js';
import { queryTimeOf, timeOf } from '../wire/time.js';
import type { ConversationDirection } from './message.entity.js';

/** As many as a page holds. */
const MAX_ASKED = 1_000;
const MAX_IDENTITY = 255;

export type MessagesSource = 'CONVERSATION_SOURCE' | 'DISPATCH_SOURCE';
type View = 'WITH_METADATA' | 'WITHOUT_METADATA';

const IsSource = (): PropertyDecorator => IsIn(['CONVERSATION_SOURCE', 'DISPATCH_SOURCE']);
const IsView = (): PropertyDecorator => IsIn(['WITH_METADATA', 'WITHOUT_METADATA']);
const IsDirection = (): PropertyDecorator => IsIn(['TO_APP', 'TO_CONTACT']);

const flag = ({ value }: { value: unknown }): unknown =>
  value === 'true' ? true : value === 'false' ? false : value;

/** Clients do not escape the plus of a phone number, and identities are kept without it. */
const identity = ({ value }: { value: unknown }): unknown => withoutPlus(value);

export class MessageSourceQuery {
  @IsOptional()
  @IsSource()
  messagesSource?: MessagesSource;
}

/** Source: Conversation API, listing messages. */
export class ListMessagesQuery extends PageQuery {
  @IsOptional()
  @IsString()
  conversationId?: string;

  @IsOptional()
  @IsString()
  contactId?: string;

  @IsOptional()
  @IsString()
  appId?: string;

  @IsOptional()
  @Transform(identity)
  @IsString()
  @MaxLength(MAX_IDENTITY)
  channelIdentity?: string;

  @IsOptional()
  @Transform(({ value }) => queryTimeOf(value))
  @IsDate()
  startTime?: Date;

  @IsOptional()
  @Transform(({ value }) => queryTimeOf(value))
  @IsDate()
  endTime?: Date;

  @IsOptional()
  @IsView()
  view?: View;

  @IsOptional()
  @IsSource()
  messagesSource?: MessagesSource;

  @IsOptional()
  @Transform(flag)
  @IsBoolean()
  onlyRecipientOriginated?: boolean;

  @IsOptional()
  @IsEnum(ConversationChannelName)
  channel?: ConversationChannelName;

  @IsOptional()
  @IsDirection()
  direction?: ConversationDirection;
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

function withoutPlus(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/^[ +](?=\d)/, '') : value;
}
