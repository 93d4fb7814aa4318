// What is said on one channel instead of the message's own content.
import { Field, InputType } from '@nestjs/graphql';
import { IsEnum, IsNotEmpty, IsObject, IsString, Matches, MaxLength } from 'class-validator';
import { Json } from '../../api/scalars.js';
import { ConversationChannelName } from '../../channels/conversation-channel.js';
import { GenericContentInput } from './generic-content.input.js';
import { MAX_PAYLOAD, Nested, OptionalNested } from './marks.js';
import { TemplateReferenceInput } from './template.input.js';

@InputType({ description: "A payload in a channel's own format, sent as it is." })
export class ExplicitChannelMessageInput {
  @Field(() => ConversationChannelName, { description: 'The channel.' })
  @IsEnum(ConversationChannelName)
  channel!: ConversationChannelName;

  @Field({
    description:
      'The payload as JSON text. For MESSENGER a Send API body or its message; the recipient is always replaced.',
  })
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_PAYLOAD)
  payload!: string;
}

@InputType({ description: 'Content that only one channel has.' })
export class ChannelSpecificMessageInput {
  @Field(() => ConversationChannelName, { description: 'The channel.' })
  @IsEnum(ConversationChannelName)
  channel!: ConversationChannelName;

  @Field({ description: "One of the channel's own types, e.g. RECEIPT on MESSENGER." })
  @Matches(/^[A-Za-z]\w{0,99}$/, { message: 'messageType must be letters, digits and underscores' })
  messageType!: string;

  @Field(() => Json, {
    description: 'An object with the fields of that type, at most 100,000 characters of JSON.',
  })
  @IsObject()
  message!: Record<string, unknown>;
}

@InputType({ description: 'What to say on a channel: exactly one of the fields.' })
export class OmniMessageOverrideInput extends GenericContentInput {
  @Field(() => TemplateReferenceInput, { nullable: true, description: 'A template for every channel.' })
  @OptionalNested(() => TemplateReferenceInput)
  templateReference?: TemplateReferenceInput | null;
}

@InputType({ description: 'Other content for one channel.' })
export class ExplicitChannelOmniMessageInput {
  @Field(() => ConversationChannelName, { description: 'The channel.' })
  @IsEnum(ConversationChannelName)
  channel!: ConversationChannelName;

  @Field(() => OmniMessageOverrideInput, { description: 'What to say there.' })
  @Nested(() => OmniMessageOverrideInput)
  message!: OmniMessageOverrideInput;
}
