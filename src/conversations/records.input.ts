import { Transform } from 'class-transformer';
import {
  IsBoolean,
  IsEnum,
  IsIn,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
} from 'class-validator';
import { IfGiven } from '../api/marks.js';
import { PageQuery } from '../api/rest.js';
import { ConversationChannelName } from '../channels/conversation-channel.js';

const flag = ({ value }: { value: unknown }): unknown =>
  value === 'true' ? true : value === 'false' ? false : value;

/** Source: Conversation API, Conversation. */
class ConversationFields {
  @IsOptional()
  @IsBoolean()
  active?: boolean;

  @IsOptional()
  @IsIn([...Object.values(ConversationChannelName), 'CHANNEL_UNSPECIFIED'])
  activeChannel?: string;

  @IsOptional()
  @IsString()
  @MaxLength(1024)
  metadata?: string;

  @IsOptional()
  @IsObject()
  metadataJson?: Record<string, unknown> | null;

  @IsOptional()
  @IsString()
  @MaxLength(128)
  correlationId?: string;
}

export class CreateConversationRecordInput extends ConversationFields {
  @IsString()
  @IsNotEmpty()
  appId!: string;

  @IsString()
  @IsNotEmpty()
  contactId!: string;
}

/** No conversation is without the two: whoever lists them in a mask has to give them. */
export class ConversationRecordInput extends ConversationFields {
  @IfGiven()
  @IsString()
  @IsNotEmpty()
  appId?: string;

  @IfGiven()
  @IsString()
  @IsNotEmpty()
  contactId?: string;
}

export class ListConversationsQuery extends PageQuery {
  @IsOptional()
  @IsString()
  appId?: string;

  @IsOptional()
  @IsString()
  contactId?: string;

  @IsOptional()
  @Transform(flag)
  @IsBoolean()
  onlyActive?: boolean;

  @IsOptional()
  @IsEnum(ConversationChannelName)
  activeChannel?: ConversationChannelName;
}

export class RecentConversationsQuery extends PageQuery {
  @IsString()
  @IsNotEmpty()
  appId!: string;

  @IsOptional()
  @Transform(flag)
  @IsBoolean()
  onlyActive?: boolean;

  @IsOptional()
  @IsIn(['DESC', 'ASC'])
  order?: string;
}

export class UpdateConversationQuery {
  @IsOptional()
  @IsIn(['REPLACE', 'MERGE_PATCH'])
  metadataUpdateStrategy?: string;
}
