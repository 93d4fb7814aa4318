import { Field, InputType, registerEnumType } from '@nestjs/graphql';
import { Transform, Type } from 'class-transformer';
import { IsEnum, IsOptional, IsString, Length, MaxLength, ValidateNested } from 'class-validator';

export enum ConversationMetadataReportView {
  NONE = 'NONE',
  FULL = 'FULL',
}

registerEnumType(ConversationMetadataReportView, {
  name: 'ConversationMetadataReportView',
  description: "Whether webhooks carry the conversation's metadata.",
});

const trimmed = ({ value }: { value: unknown }): unknown =>
  typeof value === 'string' ? value.trim() : value;

const MAX_SECRET = 256;

@InputType({ description: 'About the callback URLs that single sends name.' })
export class CallbackSettingsInput {
  @Field(() => String, {
    nullable: true,
    description: `Signs what goes to them; at most ${MAX_SECRET} characters. Stored encrypted and never given back. Empty: unsigned.`,
  })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_SECRET)
  secretForOverriddenCallbackUrls?: string | null;
}

@InputType()
export class CreateAppInput {
  @Field({ description: '1 to 255 characters.' })
  @Transform(trimmed)
  @IsString()
  @Length(1, 255)
  displayName!: string;

  @Field(() => ConversationMetadataReportView, { nullable: true })
  @IsOptional()
  @IsEnum(ConversationMetadataReportView)
  conversationMetadataReportView?: ConversationMetadataReportView | null;

  @Field(() => CallbackSettingsInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => CallbackSettingsInput)
  callbackSettings?: CallbackSettingsInput | null;
}

@InputType({ description: 'What is absent stays as it is.' })
export class UpdateAppInput {
  @Field(() => String, { nullable: true, description: '1 to 255 characters.' })
  @Transform(trimmed)
  @IsOptional()
  @IsString()
  @Length(1, 255)
  displayName?: string | null;

  @Field(() => ConversationMetadataReportView, { nullable: true })
  @IsOptional()
  @IsEnum(ConversationMetadataReportView)
  conversationMetadataReportView?: ConversationMetadataReportView | null;

  @Field(() => CallbackSettingsInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => CallbackSettingsInput)
  callbackSettings?: CallbackSettingsInput | null;
}
