import { Transform } from 'class-transformer';
import { IsDate, IsEnum, IsIn, IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import { ConversationChannelName } from '../channels/conversation-channel.js';
import { invalid } from '../errors.js';
import { timeOf } from '../wire/time.js';
import { AppMessageInput } from './content/app-message.input.js';
import { ContactMessageInput } from './content/contact-message.input.js';
import { Nested, OptionalNested } from './content/marks.js';
import type { ConversationDirection } from './message.entity.js';

/** Source: Conversation API, injecting messages. */
const OLDEST_MS = 30 * 24 * 3600 * 1000;

/** Where something was said or done that is put into a conversation later. */
export class InjectedIdentityInput {
  @IsEnum(ConversationChannelName)
  channel!: ConversationChannelName;

  @IsString()
  @IsNotEmpty()
  @MaxLength(255)
  identity!: string;

  @IsOptional()
  @IsString()
  appId?: string;
}

/** Source: Conversation API, injecting messages. Where it belongs to is said by the path. */
export class InjectMessageInput {
  @OptionalNested(() => AppMessageInput)
  appMessage?: AppMessageInput;

  @OptionalNested(() => ContactMessageInput)
  contactMessage?: ContactMessageInput;

  @Transform(({ value }) => timeOf(value))
  @IsDate()
  acceptTime!: Date;

  @Nested(() => InjectedIdentityInput)
  channelIdentity!: InjectedIdentityInput;

  @IsString()
  @IsNotEmpty()
  contactId!: string;

  @IsIn(['TO_APP', 'TO_CONTACT'])
  direction!: ConversationDirection;

  @IsOptional()
  @IsString()
  @MaxLength(1024)
  metadata?: string;
}

/** @throws DomainError INVALID_ARGUMENT unless it lies within the last 30 days. */
export function assertRecentPast(acceptTime: Date): void {
  const age = Date.now() - acceptTime.getTime();
  if (age >= 0 && age <= OLDEST_MS) return;
  throw invalid('acceptTime', 'range', 'acceptTime must be in the past, within the last 30 days');
}
