import {
  IsBoolean,
  IsDate,
  IsEnum,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { ConversationChannelName } from '../channels/conversation-channel.js';
import { MAX_MESSAGE_PAGE } from './list-messages.js';

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
  @IsString()
  @MaxLength(255)
  channelIdentity?: string;

  @IsOptional()
  @IsDate()
  startTime?: Date;

  @IsOptional()
  @IsDate()
  endTime?: Date;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_MESSAGE_PAGE)
  pageSize?: number;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  pageToken?: string;

  @IsOptional()
  @IsIn(['WITH_METADATA', 'WITHOUT_METADATA'])
  view?: 'WITH_METADATA' | 'WITHOUT_METADATA';

  @IsOptional()
  @IsIn(['CONVERSATION_SOURCE', 'DISPATCH_SOURCE'])
  messagesSource?: 'CONVERSATION_SOURCE' | 'DISPATCH_SOURCE';

  @IsOptional()
  @IsBoolean()
  onlyRecipientOriginated?: boolean;

  @IsOptional()
  @IsEnum(ConversationChannelName)
  channel?: ConversationChannelName;

  @IsOptional()
  @IsIn(['TO_APP', 'TO_CONTACT'])
  direction?: 'TO_APP' | 'TO_CONTACT';
}
