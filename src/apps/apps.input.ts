import { Field, InputType, registerEnumType } from '@nestjs/graphql';
import { Transform } from 'class-transformer';
import { IsEnum, IsOptional, IsString, Length } from 'class-validator';

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
}
