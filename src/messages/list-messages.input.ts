import { Transform } from 'class-transformer';
import {
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
import { ConversationChannelName } from '../channels/conversation-channel.js';
import type { ConversationDirection } from './message.entity.js';

export const MAX_IDENTITY = 255;

export type MessagesSource = 'CONVERSATION_SOURCE' | 'DISPATCH_SOURCE';
export type View = 'WITH_METADATA' | 'WITHOUT_METADATA';

export const IsSource = (): PropertyDecorator => IsIn(['CONVERSATION_SOURCE', 'DISPATCH_SOURCE']);
export const IsView = (): PropertyDecorator => IsIn(['WITH_METADATA', 'WITHOUT_METADATA']);
export const IsDirection = (): PropertyDecorator => IsIn(['TO_APP', 'TO_CONTACT']);

/** Clients write the plus of a phone number, which in a query they do not escape; identities are kept without it. */
export function withoutPlus(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/^[ +](?=\d)/, '') : value;
}

/** A request for a list of messages. Source: Conversation API, listing messages. */
export class ListMessagesInput {
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
  @Transform(({ value }) => withoutPlus(value))
  @IsString()
  @MaxLength(MAX_IDENTITY)
  channelIdentity?: string;

  @IsOptional()
  @IsDate()
  startTime?: Date;

  @IsOptional()
  @IsDate()
  endTime?: Date;

  /** 0 is as good as none. */
  @IsOptional()
  @IsInt()
  @Min(0)
  pageSize?: number;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  pageToken?: string;

  @IsOptional()
  @IsView()
  view?: View;

  @IsOptional()
  @IsSource()
  messagesSource?: MessagesSource;

  @IsOptional()
  @IsBoolean()
  onlyRecipientOriginated?: boolean;

  @IsOptional()
  @IsEnum(ConversationChannelName)
  channel?: ConversationChannelName;

  @IsOptional()
  @IsDirection()
  direction?: ConversationDirection;
}
