import { Field, ID, InputType } from '@nestjs/graphql';
import { IsBoolean, IsEnum, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { ConversationChannelName } from './conversation-channel.js';

@InputType({ description: 'Connects an app to a channel, or gives a connected one a new token.' })
export class ConnectChannelInput {
  @Field(() => ID, { description: 'The app.' })
  @IsString()
  appId!: string;

  @Field(() => ConversationChannelName, { description: 'The channel.' })
  @IsEnum(ConversationChannelName)
  channel!: ConversationChannelName;

  @Field({ description: 'Messenger: the page access token. Stored encrypted and never given back.' })
  @Matches(/^[\x21-\x7e]{1,4096}$/, { message: 'token must be 1 to 4096 visible ASCII characters' })
  token!: string;

  @Field(() => String, {
    nullable: true,
    description:
      'Verifies the webhooks of the channel; Messenger: the Facebook app secret. Absent: the stored one is kept; empty: not checked.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(256)
  callbackSecret?: string | null;

  @Field(() => String, { nullable: true, description: 'Looked up by the token when absent.' })
  @IsOptional()
  @Matches(/^\d{1,32}$/, { message: 'pageId must be 1 to 32 digits' })
  pageId?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Whether to fetch what was said before, as far as the channel still has it; see importHistory.',
  })
  @IsOptional()
  @IsBoolean()
  importHistory?: boolean | null;
}
