import { Field, InputType, Int, registerEnumType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsEnum,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { ConversationMetadataReportView, ProcessingMode, RetentionType } from './app-enums.js';
import { DISPATCH_RETENTION_DAYS, RETENTION_DAYS, RETRY_DURATION, WAITING_TIME } from './app-settings.js';

registerEnumType(ProcessingMode, {
  name: 'ProcessingMode',
  description: 'Whether messages are kept in conversations.',
  valuesMap: {
    CONVERSATION: { description: 'Contacts and conversations are made and kept. New apps are in this mode.' },
    DISPATCH: { description: 'Messages pass through: callbacks name no contact and no conversation.' },
  },
});

registerEnumType(ConversationMetadataReportView, {
  name: 'ConversationMetadataReportView',
  description: "Whether webhooks carry the conversation's metadata.",
  valuesMap: {
    NONE: { description: 'They do not.' },
    FULL: { description: 'They do.' },
  },
});

registerEnumType(RetentionType, {
  name: 'RetentionType',
  description: 'What is deleted once it is too old; looked at once a day. Contacts stay.',
  valuesMap: {
    MESSAGE_EXPIRE_POLICY: { description: 'Single messages and events, with their media.' },
    CONVERSATION_EXPIRE_POLICY: {
      description: 'Whole conversations whose last message is too old, with all their messages.',
    },
    PERSIST_RETENTION_POLICY: { description: 'Nothing; the number of days has no effect.' },
  },
});

const MAX_SECRET = 256;

@InputType({ description: 'How long messages are kept. Replaced whole: what is absent takes its default.' })
export class RetentionPolicyInput {
  @Field(() => RetentionType, { nullable: true, description: 'MESSAGE_EXPIRE_POLICY when absent.' })
  @IsOptional()
  @IsEnum(RetentionType)
  retentionType?: RetentionType | null;

  @Field(() => Int, {
    nullable: true,
    description: `${RETENTION_DAYS.min} to ${RETENTION_DAYS.max} days; ${RETENTION_DAYS.default} when absent.`,
  })
  // An app that keeps everything may say 0.
  @ValidateIf(
    ({ retentionType, ttlDays }: RetentionPolicyInput) =>
      ttlDays != null && (ttlDays !== 0 || retentionType !== RetentionType.PERSIST_RETENTION_POLICY),
  )
  @IsInt()
  @Min(RETENTION_DAYS.min)
  @Max(RETENTION_DAYS.max)
  ttlDays?: number | null;
}

@InputType({ description: 'How long messages of the DISPATCH mode are kept.' })
export class DispatchRetentionPolicyInput {
  @Field(() => RetentionType, {
    nullable: true,
    description: 'Only MESSAGE_EXPIRE_POLICY, which it is when absent.',
  })
  @IsOptional()
  @IsIn([RetentionType.MESSAGE_EXPIRE_POLICY])
  retentionType?: RetentionType | null;

  @Field(() => Int, {
    nullable: true,
    description: `${DISPATCH_RETENTION_DAYS.min} to ${DISPATCH_RETENTION_DAYS.max} days; ${DISPATCH_RETENTION_DAYS.default}, which keeps none, when absent.`,
  })
  @IsOptional()
  @IsInt()
  @Min(DISPATCH_RETENTION_DAYS.min)
  @Max(DISPATCH_RETENTION_DAYS.max)
  ttlDays?: number | null;
}

@InputType({
  description: 'Smart conversations are kept as a setting only: Parley does not evaluate messages.',
})
export class SmartConversationInput {
  @Field({ description: 'Without effect here.' })
  @IsBoolean()
  enabled!: boolean;
}

@InputType({ description: 'About the callback URLs that single sends name.' })
export class CallbackSettingsInput {
  @Field(() => String, {
    nullable: true,
    description: `Signs what goes to them; at most ${MAX_SECRET} characters. Stored encrypted and never given back. Absent: stays. Null or empty: unsigned.`,
  })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_SECRET)
  secretForOverriddenCallbackUrls?: string | null;
}

@InputType({ description: 'How long a send is tried again when its channel fails for a while.' })
export class MessageRetrySettingsInput {
  @Field(() => Int, {
    nullable: true,
    description: `Seconds from the first failure, ${RETRY_DURATION.min} to ${RETRY_DURATION.max}; ${RETRY_DURATION.default} when absent. At least one more try is made, the last one when they are over; never beyond the message's ttl.`,
  })
  @ValidateIf(({ retryDuration }: MessageRetrySettingsInput) => retryDuration != null)
  @IsInt()
  @Min(RETRY_DURATION.min)
  @Max(RETRY_DURATION.max)
  retryDuration?: number | null;
}

@InputType({
  description:
    'A setting only: Parley goes on by the next channel when one fails, but does not wait for reports that a message arrived.',
})
export class DeliveryReportBasedFallbackInput {
  @Field({ description: 'Without effect here.' })
  @IsBoolean()
  enabled!: boolean;

  @Field(() => Int, {
    nullable: true,
    description: `Seconds that a channel has for its report, ${WAITING_TIME.min} to ${WAITING_TIME.max}; required when enabled.`,
  })
  @ValidateIf(
    ({ enabled, deliveryReportWaitingTime }: DeliveryReportBasedFallbackInput) =>
      enabled || Boolean(deliveryReportWaitingTime),
  )
  @IsInt()
  @Min(WAITING_TIME.min)
  @Max(WAITING_TIME.max)
  deliveryReportWaitingTime?: number | null;
}

/** What a new app and an update of one have in common. */
@InputType({ isAbstract: true })
export abstract class AppSettingsInput {
  @Field(() => ProcessingMode, { nullable: true, description: 'CONVERSATION by default, on every face.' })
  @IsOptional()
  @IsEnum(ProcessingMode)
  processingMode?: ProcessingMode | null;

  @Field(() => ConversationMetadataReportView, { nullable: true, description: 'NONE by default.' })
  @IsOptional()
  @IsEnum(ConversationMetadataReportView)
  conversationMetadataReportView?: ConversationMetadataReportView | null;

  @Field(() => RetentionPolicyInput, {
    nullable: true,
    description: `How long messages are kept; single messages for ${RETENTION_DAYS.default} days by default.`,
  })
  @IsOptional()
  @ValidateNested()
  @Type(() => RetentionPolicyInput)
  retentionPolicy?: RetentionPolicyInput | null;

  @Field(() => DispatchRetentionPolicyInput, {
    nullable: true,
    description: 'How long messages of the DISPATCH mode are kept; not at all by default.',
  })
  @IsOptional()
  @ValidateNested()
  @Type(() => DispatchRetentionPolicyInput)
  dispatchRetentionPolicy?: DispatchRetentionPolicyInput | null;

  @Field(() => SmartConversationInput, {
    nullable: true,
    description: 'Not enabled by default; kept as a setting only.',
  })
  @IsOptional()
  @ValidateNested()
  @Type(() => SmartConversationInput)
  smartConversation?: SmartConversationInput | null;

  @Field(() => CallbackSettingsInput, {
    nullable: true,
    description: 'About callback URLs of single sends; unsigned by default.',
  })
  @IsOptional()
  @ValidateNested()
  @Type(() => CallbackSettingsInput)
  callbackSettings?: CallbackSettingsInput | null;

  @Field(() => MessageRetrySettingsInput, {
    nullable: true,
    description: "How long a send is tried again; for the message's whole ttl by default.",
  })
  @IsOptional()
  @ValidateNested()
  @Type(() => MessageRetrySettingsInput)
  messageRetrySettings?: MessageRetrySettingsInput | null;

  @Field(() => DeliveryReportBasedFallbackInput, {
    nullable: true,
    description: 'Kept as a setting only; none by default.',
  })
  @IsOptional()
  @ValidateNested()
  @Type(() => DeliveryReportBasedFallbackInput)
  deliveryReportBasedFallback?: DeliveryReportBasedFallbackInput | null;
}
