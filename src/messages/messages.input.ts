import { Field, ID, InputType, registerEnumType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsEnum,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { Json } from '../api/scalars.js';
import { ConversationChannelName } from '../channels/conversation-channel.js';
import { AppMessageInput } from './content/app-message.input.js';

export enum MessageQueue {
  NORMAL_PRIORITY = 'NORMAL_PRIORITY',
  HIGH_PRIORITY = 'HIGH_PRIORITY',
}
registerEnumType(MessageQueue, {
  name: 'MessageQueue',
  description: 'HIGH_PRIORITY goes before bulk traffic.',
  valuesMap: {
    NORMAL_PRIORITY: { description: 'In turn; the default.' },
    HIGH_PRIORITY: { description: 'Before everything of normal priority.' },
  },
});

export enum ProcessingStrategy {
  DEFAULT = 'DEFAULT',
  DISPATCH_ONLY = 'DISPATCH_ONLY',
}
registerEnumType(ProcessingStrategy, {
  name: 'ProcessingStrategy',
  description: 'How a message is processed.',
  valuesMap: {
    DEFAULT: { description: 'As the processing mode of the app says.' },
    DISPATCH_ONLY: {
      description: 'As in DISPATCH mode: without contact and conversation, to an identity only.',
    },
  },
});

export enum MetadataUpdateStrategy {
  REPLACE = 'REPLACE',
  MERGE_PATCH = 'MERGE_PATCH',
}
registerEnumType(MetadataUpdateStrategy, {
  name: 'MetadataUpdateStrategy',
  description: 'How metadata changes what was there before.',
  valuesMap: {
    REPLACE: { description: 'It takes the place of what was there.' },
    MERGE_PATCH: { description: 'It is merged into what was there by RFC 7396; null removes a field.' },
  },
});

export enum MessageContentType {
  CONTENT_UNKNOWN = 'CONTENT_UNKNOWN',
  CONTENT_MARKETING = 'CONTENT_MARKETING',
  CONTENT_NOTIFICATION = 'CONTENT_NOTIFICATION',
}
registerEnumType(MessageContentType, {
  name: 'MessageContentType',
  description: 'What a message is for.',
  valuesMap: {
    CONTENT_UNKNOWN: { description: 'Not said; the default.' },
    CONTENT_MARKETING: { description: 'To win customers.' },
    CONTENT_NOTIFICATION: { description: 'To tell customers of something of theirs.' },
  },
});

@InputType({ description: 'Who a person is on a channel.' })
export class ChannelRecipientIdentityInput {
  @Field(() => ConversationChannelName, { description: 'The channel.' })
  @IsEnum(ConversationChannelName)
  channel!: ConversationChannelName;

  @Field({ description: 'For MESSENGER the page-scoped id.' })
  @IsString()
  @IsNotEmpty()
  @MaxLength(255)
  identity!: string;
}

@InputType({ description: 'A person by their identities, in order of preference.' })
export class IdentifiedByInput {
  @Field(() => [ChannelRecipientIdentityInput], { description: '1 to 20 identities of one person.' })
  @ArrayMinSize(1)
  @ArrayMaxSize(20)
  @ValidateNested({ each: true })
  @Type(() => ChannelRecipientIdentityInput)
  channelIdentities!: ChannelRecipientIdentityInput[];
}

@InputType({ description: 'To whom: exactly one of contactId and identifiedBy.' })
export class RecipientInput {
  @Field(() => ID, { nullable: true, description: 'A contact of the project.' })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  contactId?: string | null;

  @Field(() => IdentifiedByInput, {
    nullable: true,
    description: 'A person who is not known yet becomes a contact.',
  })
  @IsOptional()
  @ValidateNested()
  @Type(() => IdentifiedByInput)
  identifiedBy?: IdentifiedByInput | null;
}

@InputType({ description: 'A property that only one channel knows.' })
export class ChannelPropertyInput {
  @Field({
    description:
      'For Messenger MESSENGER_MESSAGING_TYPE, MESSENGER_MESSAGE_TAG and MESSENGER_NOTIFICATION_TYPE. Unknown keys are ignored.',
  })
  @Matches(/^[A-Z][A-Z0-9_]{0,99}$/, { message: 'key must be capital letters, digits and underscores' })
  key!: string;

  @Field({ description: 'Its value; at most 1,024 characters.' })
  @IsString()
  @MaxLength(1024)
  value!: string;
}

@InputType({ isAbstract: true })
export abstract class SendInput {
  @Field(() => ID, { description: 'The app that speaks.' })
  @IsString()
  @IsNotEmpty()
  appId!: string;

  @Field(() => RecipientInput, { description: 'To whom.' })
  @ValidateNested()
  @Type(() => RecipientInput)
  @IsNotEmpty()
  recipient!: RecipientInput;

  @Field(() => String, {
    nullable: true,
    description:
      'Delivery reports of it go there instead of to the webhooks: http(s)://host[:port]/path, at most 742 characters.',
  })
  @IsOptional()
  @IsString()
  callbackUrl?: string | null;

  @Field(() => MessageQueue, {
    nullable: true,
    description: 'How urgent it is; NORMAL_PRIORITY when left out.',
  })
  @IsOptional()
  @IsEnum(MessageQueue)
  queue?: MessageQueue | null;

  @Field(() => String, {
    nullable: true,
    description:
      "A key of the caller's own: sending again with the same key gives the first answer and sends nothing.",
  })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(255)
  idempotencyKey?: string | null;
}

@InputType({ description: 'A message to a person.' })
export class SendMessageInput extends SendInput {
  @Field(() => AppMessageInput, { description: 'What to say.' })
  @ValidateNested()
  @Type(() => AppMessageInput)
  @IsNotEmpty()
  message!: AppMessageInput;

  @Field(() => [ConversationChannelName], {
    nullable: true,
    description: 'Channels to try, in order; each must be connected to the app.',
  })
  @IsOptional()
  @ArrayMaxSize(20)
  @IsEnum(ConversationChannelName, { each: true })
  channelPriorityOrder?: ConversationChannelName[] | null;

  @Field(() => [ChannelPropertyInput], {
    nullable: true,
    description: 'Properties that only one channel knows; at most 50.',
  })
  @IsOptional()
  @ArrayMaxSize(50)
  @ValidateNested({ each: true })
  @Type(() => ChannelPropertyInput)
  channelProperties?: ChannelPropertyInput[] | null;

  @Field(() => String, {
    nullable: true,
    description: 'Kept with the message and given back in its delivery reports; at most 1,024 characters.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  messageMetadata?: string | null;

  @Field(() => Json, {
    nullable: true,
    description: 'Kept with the conversation until replaced; an object of at most 2,048 characters.',
  })
  @IsOptional()
  @IsObject()
  conversationMetadata?: Record<string, unknown> | null;

  @Field(() => MetadataUpdateStrategy, {
    nullable: true,
    description:
      'How conversationMetadata changes that of the conversation; REPLACE when left out. What MERGE_PATCH makes of it is at most 2,048 characters, too.',
  })
  @IsOptional()
  @IsEnum(MetadataUpdateStrategy)
  conversationMetadataUpdateStrategy?: MetadataUpdateStrategy | null;

  @Field(() => MessageContentType, {
    nullable: true,
    description:
      'What the message is for. Without effect: it is meant for consent lists, which Parley does not keep by content.',
  })
  @IsOptional()
  @IsEnum(MessageContentType)
  messageContentType?: MessageContentType | null;

  @Field(() => String, {
    nullable: true,
    description: 'Given back in everything reported about the message; at most 128 characters.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(128)
  correlationId?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'How long the message is worth sending, e.g. "3600s"; at least 3 seconds, a day when left out. After it the message fails.',
  })
  @IsOptional()
  @Matches(/^\d{1,12}(\.\d{1,9})?s$/, { message: 'ttl must be seconds with the suffix s, e.g. "3600s"' })
  ttl?: string | null;

  @Field(() => ProcessingStrategy, {
    nullable: true,
    description: 'How it is processed; DEFAULT when left out.',
  })
  @IsOptional()
  @IsEnum(ProcessingStrategy)
  processingStrategy?: ProcessingStrategy | null;
}
