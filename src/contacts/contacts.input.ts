import { Field, ID, InputType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsEnum,
  IsIn,
  IsOptional,
  IsString,
  Length,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { ConversationChannelName } from '../channels/conversation-channel.js';
import { CONTACT_LANGUAGES } from './languages.js';

const MAX_IDENTITIES = 50;

@InputType({ description: 'Who a contact is on a channel.' })
export class ChannelIdentityInput {
  @Field(() => ConversationChannelName, { description: 'The channel.' })
  @IsEnum(ConversationChannelName)
  channel!: ConversationChannelName;

  @Field({ description: 'Messenger: the page-scoped id; SMS and the like: the phone number.' })
  @IsString()
  @Length(1, 255)
  identity!: string;

  @Field(() => ID, {
    nullable: true,
    description:
      'Needed on channels whose identities are those of an app: MESSENGER, INSTAGRAM, LINE, WECHAT.',
  })
  @IsOptional()
  @IsString()
  appId?: string | null;
}

/** What may be set when a contact is made or changed. */
@InputType({ isAbstract: true })
class ContactInput {
  @Field(() => String, { nullable: true, description: 'Name to show; at most 255 characters.' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  displayName?: string | null;

  @Field(() => [ChannelIdentityInput], { nullable: true, description: 'The whole list.' })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_IDENTITIES)
  @ValidateNested({ each: true })
  @Type(() => ChannelIdentityInput)
  channelIdentities?: ChannelIdentityInput[] | null;

  @Field(() => [ConversationChannelName], { nullable: true, description: 'Which channel to try first.' })
  @IsOptional()
  @IsArray()
  @ArrayUnique()
  @IsEnum(ConversationChannelName, { each: true })
  channelPriority?: ConversationChannelName[] | null;

  @Field(() => String, { nullable: true, description: 'E-mail address; at most 255 characters.' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  email?: string | null;

  @Field(() => String, { nullable: true, description: "The customer's own key." })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  externalId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'A language of the Conversation API, such as EN or PT_BR.',
  })
  @IsOptional()
  @IsIn(CONTACT_LANGUAGES)
  language?: string | null;

  @Field(() => String, { nullable: true, description: 'Up to 1024 characters.' })
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  metadata?: string | null;
}

@InputType({ description: 'A new contact; all of it optional.' })
export class CreateContactInput extends ContactInput {}

@InputType({ description: 'What is absent stays as it is; null empties.' })
export class UpdateContactInput extends ContactInput {}

@InputType({ description: 'All that is given must hold.' })
export class ContactFilter {
  @Field(() => String, {
    nullable: true,
    description:
      "Each of these words begins one of the name, the e-mail address, the customer's own key or an identity; case and accents do not matter. At most 200 characters and 10 words.",
  })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  text?: string | null;

  @Field(() => String, { nullable: true, description: "The customer's own key is exactly this." })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  externalId?: string | null;

  @Field(() => ConversationChannelName, { nullable: true, description: 'Goes with identity.' })
  @IsOptional()
  @IsEnum(ConversationChannelName)
  channel?: ConversationChannelName | null;

  @Field(() => String, { nullable: true, description: 'Goes with channel.' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  identity?: string | null;
}
