import { createUnionType, Field, ObjectType } from '@nestjs/graphql';
import { Json } from '../../api/scalars.js';
import { ConversationChannelName } from '../../channels/conversation-channel.js';
import type { AppMessage, ByChannel, OmniMessageOverride } from '../../content/app-message.js';
import type { ContactMessage } from '../../content/contact-message.js';
import { CardMessage, cardOf, CarouselMessage, carouselOf } from './card.graphql.js';
import { ChoiceMessage, choiceMessageOf, ChoiceResponseMessage, choiceResponseOf } from './choice.graphql.js';
import { ContactInfoMessage, contactInfoOf } from './contact-info.graphql.js';
import { ListMessage, listOf, ProductResponseMessage, productResponseOf } from './list.graphql.js';
import {
  LocationMessage,
  locationOf,
  MediaCardMessage,
  MediaMessage,
  mediaOf,
  TextMessage,
} from './media.graphql.js';
import { TemplateMessage, templateMessageOf } from './template.graphql.js';

@ObjectType({ description: 'Content that has no generic form.' })
export class FallbackMessage {
  @Field({ description: "The channel's own JSON." })
  rawMessage!: string;

  @Field(() => String, { nullable: true, description: 'Why there is no generic form.' })
  reason!: string | null;
}

@ObjectType({ description: "A message in a channel's own format." })
export class ExplicitChannelMessage {
  @Field(() => Json, { description: 'By channel, the payload as JSON text.' })
  payloads!: ByChannel<string>;
}

@ObjectType({ description: 'Content that only one channel has.' })
export class ChannelSpecificContent {
  @Field(() => ConversationChannelName, { description: 'The channel.' })
  channel!: string;

  @Field({ description: "One of the channel's own types." })
  messageType!: string;

  @Field(() => Json, { description: 'An object with the fields of that type.' })
  message!: Record<string, unknown>;
}

@ObjectType({ description: 'Content that only some channels have.' })
export class ChannelSpecificMessage {
  @Field(() => [ChannelSpecificContent], { description: 'The content, by channel.' })
  messages!: ChannelSpecificContent[];
}

@ObjectType({ description: 'Content for one channel.' })
export class ExplicitChannelOmniContent {
  @Field(() => ConversationChannelName, { description: 'The channel.' })
  channel!: string;

  @Field(() => MessageContent, { description: 'What is said there.' })
  content!: object;
}

@ObjectType({ description: 'A message with other content for each channel, and none for the rest.' })
export class ExplicitChannelOmniMessage {
  @Field(() => [ExplicitChannelOmniContent], { description: 'The content, by channel.' })
  contents!: ExplicitChannelOmniContent[];
}

type Content = AppMessage & ContactMessage;
type ContentField = Extract<keyof Content, `${string}_message`>;

/** A member of the union, and what it shows of stored content. */
interface Member<T> {
  type: new () => object;
  show: (content: T) => object;
}

function member<T, Shown extends object>(type: new () => Shown, show: (content: T) => Shown): Member<T> {
  return { type, show };
}

/** In order of precedence: overrides are shown where there is nothing else. */
const MEMBERS: { [K in ContentField]: Member<NonNullable<Content[K]>> } = {
  text_message: member(TextMessage, ({ text }) => ({ text })),
  media_message: member(MediaMessage, mediaOf),
  media_card_message: member(MediaCardMessage, ({ url, caption = '' }) => ({ url, caption })),
  card_message: member(CardMessage, cardOf),
  carousel_message: member(CarouselMessage, carouselOf),
  choice_message: member(ChoiceMessage, choiceMessageOf),
  list_message: member(ListMessage, listOf),
  location_message: member(LocationMessage, locationOf),
  template_message: member(TemplateMessage, templateMessageOf),
  contact_info_message: member(ContactInfoMessage, contactInfoOf),
  choice_response_message: member(ChoiceResponseMessage, choiceResponseOf),
  product_response_message: member(ProductResponseMessage, productResponseOf),
  fallback_message: member(FallbackMessage, ({ raw_message, reason }) => ({
    rawMessage: raw_message,
    reason: reason.description,
  })),
  explicit_channel_message: member(ExplicitChannelMessage, (payloads) => ({ payloads })),
  channel_specific_message: member(ChannelSpecificMessage, (content) => ({
    messages: byChannel(content).map(([channel, { message_type, message }]) => ({
      channel,
      messageType: message_type,
      message,
    })),
  })),
  explicit_channel_omni_message: member(ExplicitChannelOmniMessage, (content) => ({
    contents: byChannel(content).map(([channel, override]) => ({
      channel,
      content: contentOf(withTemplateMessage(override)),
    })),
  })),
};

export const MessageContent = createUnionType({
  name: 'MessageContent',
  description: 'What a message says.',
  types: () => Object.values(MEMBERS).map(({ type }) => type) as unknown as readonly [typeof TextMessage],
  resolveType: (content: { kind: string }) => content.kind,
});

/** Stored content as the union's member. */
export function contentOf(content: Content): { kind: string } {
  const fields = Object.keys(MEMBERS) as ContentField[];
  // Stored content always has a field; should it not, a member must still be shown.
  const field = fields.find((name) => content[name]) ?? 'explicit_channel_message';
  const { type, show } = MEMBERS[field] as Member<unknown>;
  return { kind: type.name, ...show(content[field] ?? {}) };
}

function withTemplateMessage({ template_reference, ...content }: OmniMessageOverride): Content {
  return {
    ...content,
    ...(template_reference ? { template_message: { omni_template: template_reference } } : {}),
  };
}

function byChannel<T>(content: ByChannel<T>): [channel: string, content: T][] {
  return Object.entries(content).flatMap(([channel, value]) =>
    value === undefined ? [] : [[channel, value] as [string, T]],
  );
}
