import { Field, ID, InputType, registerEnumType } from '@nestjs/graphql';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsDate,
  IsEnum,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { PageQuery } from '../api/rest.js';
import { Json } from '../api/scalars.js';
import { ConversationChannelName } from '../channels/conversation-channel.js';
import { AgentInput } from '../messages/content/app-message.input.js';
import { InjectedIdentityInput } from '../messages/inject.input.js';
import { SendInput } from '../messages/messages.input.js';
import { timeOf } from '../wire/time.js';

/** What one text holds; a reply to a comment is one text. */
const MAX_TEXT = 2_000;

/** Exactly one emoji, also in its plain form, without the selector that makes it a picture. */
const EMOJI = /^(\p{RGI_Emoji}|\p{Emoji_Presentation}|\p{Extended_Pictographic})$/v;

export enum ReactionAction {
  REACTION_ACTION_REACT = 'REACTION_ACTION_REACT',
  REACTION_ACTION_UNREACT = 'REACTION_ACTION_UNREACT',
}
registerEnumType(ReactionAction, {
  name: 'ReactionAction',
  description: 'Whether a reaction is put on a message or taken away.',
  valuesMap: {
    REACTION_ACTION_REACT: { description: 'Puts the emoji on the message, in place of an earlier one.' },
    REACTION_ACTION_UNREACT: { description: 'Takes the reaction away.' },
  },
});

@InputType({ description: 'Answers a comment in private.' })
export class CommentReplyEventInput {
  @Field({ description: 'Not empty, at most 2,000 characters.' })
  @Matches(/\S/, { message: 'text must not be empty' })
  @IsString()
  @MaxLength(MAX_TEXT)
  text!: string;
}

@InputType({ description: 'An agent who joins or leaves.' })
export class AgentEventInput {
  @Field(() => AgentInput, { description: 'Who it is.' })
  @ValidateNested()
  @Type(() => AgentInput)
  @IsNotEmpty()
  agent!: AgentInput;
}

@InputType({ description: "An event of the caller's own." })
export class GenericEventInput {
  @Field(() => Json, { description: 'An object of at most 30,000 characters of JSON.' })
  @IsObject()
  payload!: Record<string, unknown>;
}

@InputType({ description: 'A reaction to a message of the conversation.' })
export class ReactionEventInput {
  @Field(() => ID, { description: 'The message, either way.' })
  @IsString()
  @IsNotEmpty()
  messageId!: string;

  @Field(() => String, {
    nullable: true,
    description: 'One emoji; required to react, and takes the place of an earlier one.',
  })
  @ValidateIf(
    ({ action, emoji }: ReactionEventInput) =>
      emoji != null || action !== ReactionAction.REACTION_ACTION_UNREACT,
  )
  @Matches(EMOJI, { message: 'emoji must be exactly one emoji' })
  emoji?: string | null;

  @Field(() => ReactionAction, { description: 'Whether to put it or to take it away.' })
  @IsEnum(ReactionAction)
  action!: ReactionAction;
}

/** GraphQL has no input without fields, so that the events which say all by their name are JSON: the `{}` that they are on every face. */
@InputType({ description: 'What the app does: exactly one of the fields.' })
export class AppEventInput {
  @Field(() => Json, { nullable: true, description: 'Shows that somebody is typing. Give {}.' })
  @IsOptional()
  @IsObject()
  composingEvent?: object | null;

  @Field(() => Json, { nullable: true, description: 'Nobody is typing any more. Give {}.' })
  @IsOptional()
  @IsObject()
  composingEndEvent?: object | null;

  @Field(() => Json, {
    nullable: true,
    description: 'Shows that what the person wrote has been seen. Give {}.',
  })
  @IsOptional()
  @IsObject()
  readMessageEvent?: object | null;

  @Field(() => CommentReplyEventInput, { nullable: true, description: 'Not on MESSENGER.' })
  @IsOptional()
  @ValidateNested()
  @Type(() => CommentReplyEventInput)
  commentReplyEvent?: CommentReplyEventInput | null;

  @Field(() => AgentEventInput, { nullable: true, description: 'Shown in the inbox; not on MESSENGER.' })
  @IsOptional()
  @ValidateNested()
  @Type(() => AgentEventInput)
  agentJoinedEvent?: AgentEventInput | null;

  @Field(() => AgentEventInput, { nullable: true, description: 'Shown in the inbox; not on MESSENGER.' })
  @IsOptional()
  @ValidateNested()
  @Type(() => AgentEventInput)
  agentLeftEvent?: AgentEventInput | null;

  @Field(() => GenericEventInput, { nullable: true, description: 'Shown in the inbox; not on MESSENGER.' })
  @IsOptional()
  @ValidateNested()
  @Type(() => GenericEventInput)
  genericEvent?: GenericEventInput | null;

  @Field(() => ReactionEventInput, { nullable: true, description: 'Puts an emoji on a message.' })
  @IsOptional()
  @ValidateNested()
  @Type(() => ReactionEventInput)
  reactionEvent?: ReactionEventInput | null;
}

@InputType({ description: 'An event to a person.' })
export class SendEventInput extends SendInput {
  @Field(() => AppEventInput, { description: 'What the app does.' })
  @ValidateNested()
  @Type(() => AppEventInput)
  @IsNotEmpty()
  event!: AppEventInput;

  @Field(() => [ConversationChannelName], {
    nullable: true,
    description: 'The channel to take; only the first entry counts, for events never change the channel.',
  })
  @IsOptional()
  @ArrayMaxSize(20)
  @IsEnum(ConversationChannelName, { each: true })
  channelPriorityOrder?: ConversationChannelName[] | null;

  @Field(() => String, {
    nullable: true,
    description: 'Kept with the event and given back in its delivery reports; at most 1,024 characters.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  eventMetadata?: string | null;
}

/** Source: Conversation API, listing events. */
export class ListEventsQuery extends PageQuery {
  @IsOptional()
  @IsString()
  conversationId?: string;

  @IsOptional()
  @IsString()
  contactId?: string;
}

/** Source: Conversation API, injecting events. Where it belongs to is said by the path. */
export class InjectEventInput {
  @ValidateNested()
  @Type(() => AppEventInput)
  @IsNotEmpty()
  appEvent!: AppEventInput;

  @Transform(({ value }) => timeOf(value))
  @IsDate()
  acceptTime!: Date;

  @IsOptional()
  @IsString()
  contactId?: string;

  @IsOptional()
  @ValidateNested()
  @Type(() => InjectedIdentityInput)
  channelIdentity?: InjectedIdentityInput;
}
