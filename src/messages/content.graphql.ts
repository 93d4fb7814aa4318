import { createUnionType, Field, Float, ID, ObjectType } from '@nestjs/graphql';
import { Json } from '../api/scalars.js';
import type { AppMessage, Choice as ChoiceContent } from '../content/app-message.js';
import type { ContactMessage } from '../content/contact-message.js';

@ObjectType({ description: 'A plain text.' })
export class TextMessage {
  @Field()
  text!: string;
}

@ObjectType({ description: 'An image, audio, video or file.' })
export class MediaMessage {
  @Field()
  url!: string;

  @Field(() => String, { nullable: true })
  thumbnailUrl!: string | null;

  @Field(() => String, { nullable: true })
  filenameOverride!: string | null;
}

@ObjectType({ description: 'Media with a text.' })
export class MediaCardMessage {
  @Field()
  url!: string;

  @Field()
  caption!: string;
}

@ObjectType({ description: 'A place on earth, in degrees.' })
export class Coordinates {
  @Field(() => Float)
  latitude!: number;

  @Field(() => Float)
  longitude!: number;
}

@ObjectType({ description: 'A place.' })
export class LocationMessage {
  @Field()
  title!: string;

  @Field()
  label!: string;

  @Field()
  coordinates!: Coordinates;
}

@ObjectType({ description: 'A button that opens a page.' })
export class UrlMessage {
  @Field()
  title!: string;

  @Field()
  url!: string;
}

@ObjectType({ description: 'A button that dials a number.' })
export class CallMessage {
  @Field()
  title!: string;

  @Field()
  phoneNumber!: string;
}

@ObjectType({ description: 'One choice: exactly one of the message fields is set.' })
export class Choice {
  @Field(() => TextMessage, { nullable: true })
  textMessage!: TextMessage | null;

  @Field(() => UrlMessage, { nullable: true })
  urlMessage!: UrlMessage | null;

  @Field(() => CallMessage, { nullable: true })
  callMessage!: CallMessage | null;

  @Field(() => LocationMessage, { nullable: true })
  locationMessage!: LocationMessage | null;

  @Field({ description: 'Comes back when the person picks the choice.' })
  postbackData!: string;
}

@ObjectType({ description: 'A question with choices.' })
export class ChoiceMessage {
  @Field(() => TextMessage, { nullable: true })
  textMessage!: TextMessage | null;

  @Field(() => [Choice])
  choices!: Choice[];
}

@ObjectType({ description: 'A choice that the person picked.' })
export class ChoiceResponseMessage {
  @Field(() => ID, {
    nullable: true,
    description: 'The message that offered it; null when none of ours did, as with a menu.',
  })
  messageId!: string | null;

  @Field()
  postbackData!: string;
}

@ObjectType({ description: 'Content that has no generic form.' })
export class FallbackMessage {
  @Field({ description: "The channel's own JSON." })
  rawMessage!: string;

  @Field(() => String, { nullable: true })
  reason!: string | null;
}

@ObjectType({ description: "A message in a channel's own format." })
export class ExplicitChannelMessage {
  @Field(() => Json, { description: 'By channel, the payload as JSON text.' })
  payloads!: Record<string, string>;
}

const TYPES = {
  TextMessage,
  MediaMessage,
  MediaCardMessage,
  LocationMessage,
  ChoiceMessage,
  ChoiceResponseMessage,
  FallbackMessage,
  ExplicitChannelMessage,
};

/** A member of the union, and which. */
type Tagged = { kind: keyof typeof TYPES } & Record<string, unknown>;

export const MessageContent = createUnionType({
  name: 'MessageContent',
  description: 'What a message says.',
  types: () => Object.values(TYPES) as unknown as readonly [typeof TextMessage],
  resolveType: (content: Tagged) => content.kind,
});

/** Stored content as the union's member. */
export function contentOf(content: AppMessage & ContactMessage): Tagged {
  const {
    text_message,
    media_message,
    media_card_message,
    location_message,
    choice_message,
    choice_response_message,
    fallback_message,
  } = content;
  if (text_message) return { kind: 'TextMessage', ...text_message };
  if (media_message) {
    return {
      kind: 'MediaMessage',
      url: media_message.url,
      thumbnailUrl: media_message.thumbnail_url ?? null,
      filenameOverride: media_message.filename_override ?? null,
    };
  }
  if (media_card_message)
    return {
      kind: 'MediaCardMessage',
      url: media_card_message.url,
      caption: media_card_message.caption ?? '',
    };
  if (location_message)
    return { kind: 'LocationMessage', ...location_message, label: location_message.label ?? '' };
  if (choice_message)
    return {
      kind: 'ChoiceMessage',
      textMessage: choice_message.text_message ?? null,
      choices: choice_message.choices.map(choiceOf),
    };
  if (choice_response_message) {
    return {
      kind: 'ChoiceResponseMessage',
      messageId: choice_response_message.message_id || null,
      postbackData: choice_response_message.postback_data,
    };
  }
  if (fallback_message) {
    return {
      kind: 'FallbackMessage',
      rawMessage: fallback_message.raw_message,
      reason: fallback_message.reason.description,
    };
  }
  return { kind: 'ExplicitChannelMessage', payloads: content.explicit_channel_message ?? {} };
}

function choiceOf(choice: ChoiceContent): Choice {
  const { text_message, url_message, call_message, location_message } = choice;
  return {
    textMessage: text_message ?? null,
    urlMessage: url_message ?? null,
    callMessage: call_message ? { title: call_message.title, phoneNumber: call_message.phone_number } : null,
    locationMessage: location_message ? { ...location_message, label: location_message.label ?? '' } : null,
    postbackData: choice.postback_data ?? '',
  };
}
