import { Field, ID, InputType, registerEnumType } from '@nestjs/graphql';
import { IsEnum, IsOptional } from 'class-validator';
import { GenericContentInput } from './generic-content.input.js';
import {
  MAX_CHANNELS,
  MAX_NAME,
  OptionalNested,
  OptionalNestedList,
  OptionalText,
  OptionalWebUrl,
  Text,
  Unique,
} from './marks.js';
import {
  ChannelSpecificMessageInput,
  ExplicitChannelMessageInput,
  ExplicitChannelOmniMessageInput,
} from './override.input.js';
import { TemplateMessageInput } from './template.input.js';

export enum AgentType {
  UNKNOWN_AGENT_TYPE = 'UNKNOWN_AGENT_TYPE',
  HUMAN = 'HUMAN',
  BOT = 'BOT',
}
registerEnumType(AgentType, {
  name: 'AgentType',
  description: 'Who speaks for the business.',
  valuesMap: {
    UNKNOWN_AGENT_TYPE: { description: 'Nobody said which.' },
    HUMAN: { description: 'A person.' },
    BOT: { description: 'A program. Tags that only people may use are refused for it.' },
  },
});

@InputType({ description: 'Who speaks for the business.' })
export class AgentInput {
  @Field(() => String, { nullable: true, description: 'Name to show.' })
  @OptionalText(MAX_NAME)
  displayName?: string | null;

  @Field(() => AgentType, { description: 'Person or bot.' })
  @IsEnum(AgentType)
  type!: AgentType;

  @Field(() => String, { nullable: true, description: 'Picture to show: its http or https address.' })
  @OptionalWebUrl()
  pictureUrl?: string | null;
}

@InputType({
  description:
    'What to say: exactly one of textMessage, mediaMessage, cardMessage, carouselMessage, choiceMessage, listMessage, locationMessage, contactInfoMessage and templateMessage; it may be left out when explicitChannelMessage, channelSpecificMessage or explicitChannelOmniMessage covers the channel. On its channel the first of these three goes before the second, and so on.',
})
export class AppMessageInput extends GenericContentInput {
  @Field(() => TemplateMessageInput, { nullable: true, description: 'A message made from a template.' })
  @OptionalNested(() => TemplateMessageInput)
  templateMessage?: TemplateMessageInput | null;

  @Field(() => [ExplicitChannelMessageInput], {
    nullable: true,
    description: "Payloads in the channels' own formats, each channel once.",
  })
  @OptionalNestedList(() => ExplicitChannelMessageInput, MAX_CHANNELS)
  @Unique('channel')
  explicitChannelMessage?: ExplicitChannelMessageInput[] | null;

  @Field(() => [ChannelSpecificMessageInput], {
    nullable: true,
    description: 'Content that only one channel has, each channel once.',
  })
  @OptionalNestedList(() => ChannelSpecificMessageInput, MAX_CHANNELS)
  @Unique('channel')
  channelSpecificMessage?: ChannelSpecificMessageInput[] | null;

  @Field(() => [ExplicitChannelOmniMessageInput], {
    nullable: true,
    description: 'Other content for some channels, each channel once.',
  })
  @OptionalNestedList(() => ExplicitChannelOmniMessageInput, MAX_CHANNELS)
  @Unique('channel')
  explicitChannelOmniMessage?: ExplicitChannelOmniMessageInput[] | null;

  @Field(() => AgentInput, { nullable: true, description: 'Who speaks for the business.' })
  @OptionalNested(() => AgentInput)
  agent?: AgentInput | null;

  @Field(() => ID, {
    nullable: true,
    description: 'The message that this one answers; quoted where the channel can.',
  })
  @IsOptional()
  @Text(MAX_NAME)
  replyToMessageId?: string | null;
}
