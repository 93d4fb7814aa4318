import { Field, ID, ObjectType } from '@nestjs/graphql';
import { DateTime } from '../../api/scalars.js';
import type {
  CalendarMessage as CalendarContent,
  Choice as ChoiceContent,
  ChoiceMessage as ChoiceMessageContent,
} from '../../content/app-message.js';
import type { ChoiceResponseMessage as ChoiceResponseContent } from '../../content/contact-message.js';
import { DisplayMode } from './choice.input.js';
import { LocationMessage, locationOf, TextMessage } from './media.graphql.js';

@ObjectType({ description: 'A button that opens a page.' })
export class UrlMessage {
  @Field({ description: 'The label.' })
  title!: string;

  @Field({ description: 'Address of the page.' })
  url!: string;
}

@ObjectType({ description: 'A button that dials a number.' })
export class CallMessage {
  @Field({ description: 'The label.' })
  title!: string;

  @Field({ description: 'International number.' })
  phoneNumber!: string;
}

@ObjectType({ description: 'A button that adds an event to the calendar; elsewhere it opens a page.' })
export class CalendarMessage {
  @Field({ description: 'The label.' })
  title!: string;

  @Field(() => DateTime, { description: 'When the event begins.' })
  eventStart!: string;

  @Field(() => DateTime, { description: 'When it ends.' })
  eventEnd!: string;

  @Field({ description: 'What the event is called.' })
  eventTitle!: string;

  @Field(() => String, { nullable: true, description: 'What the event is about.' })
  eventDescription!: string | null;

  @Field({ description: 'Page to open where the channel has no calendar.' })
  fallbackUrl!: string;
}

@ObjectType({ description: 'A button that asks where the person is; elsewhere it opens a page.' })
export class ShareLocationMessage {
  @Field({ description: 'The label.' })
  title!: string;

  @Field({ description: 'Page to open where the channel cannot ask.' })
  fallbackUrl!: string;
}

@ObjectType({ description: 'One choice: exactly one of the message fields is set.' })
export class Choice {
  @Field(() => TextMessage, { nullable: true, description: 'A reply that the person can pick.' })
  textMessage!: TextMessage | null;

  @Field(() => UrlMessage, { nullable: true, description: 'A button that opens a page.' })
  urlMessage!: UrlMessage | null;

  @Field(() => CallMessage, { nullable: true, description: 'A button that dials a number.' })
  callMessage!: CallMessage | null;

  @Field(() => LocationMessage, { nullable: true, description: 'A button that opens a map.' })
  locationMessage!: LocationMessage | null;

  @Field(() => CalendarMessage, {
    nullable: true,
    description: 'A button that adds an event to the calendar.',
  })
  calendarMessage!: CalendarMessage | null;

  @Field(() => ShareLocationMessage, {
    nullable: true,
    description: 'A button that asks where the person is.',
  })
  shareLocationMessage!: ShareLocationMessage | null;

  @Field({ description: 'Comes back when the person picks the choice.' })
  postbackData!: string;

  @Field(() => DisplayMode, { nullable: true, description: 'Whether the choice stays, on RCS.' })
  displayMode!: `${DisplayMode}` | null;
}

@ObjectType({ description: 'A question with choices.' })
export class ChoiceMessage {
  @Field(() => TextMessage, { nullable: true, description: 'The question.' })
  textMessage!: TextMessage | null;

  @Field(() => [Choice], { description: 'The choices, in order.' })
  choices!: Choice[];
}

@ObjectType({ description: 'A choice that the person picked.' })
export class ChoiceResponseMessage {
  @Field(() => ID, {
    nullable: true,
    description: 'The message that offered it; null when none of ours did, as with a menu.',
  })
  messageId!: string | null;

  @Field({ description: 'What the choice carried.' })
  postbackData!: string;
}

export function choiceMessageOf({ text_message, choices }: ChoiceMessageContent): ChoiceMessage {
  return { textMessage: text_message ?? null, choices: choices.map(choiceOf) };
}

export function choiceOf(choice: ChoiceContent): Choice {
  const { call_message, location_message, calendar_message, share_location_message } = choice;
  return {
    textMessage: choice.text_message ?? null,
    urlMessage: choice.url_message ?? null,
    callMessage: call_message ? { title: call_message.title, phoneNumber: call_message.phone_number } : null,
    locationMessage: location_message ? locationOf(location_message) : null,
    calendarMessage: calendar_message ? calendarOf(calendar_message) : null,
    shareLocationMessage: share_location_message
      ? { title: share_location_message.title, fallbackUrl: share_location_message.fallback_url }
      : null,
    postbackData: choice.postback_data ?? '',
    displayMode: choice.display_mode ?? null,
  };
}

export function choiceResponseOf(response: ChoiceResponseContent): ChoiceResponseMessage {
  return { messageId: response.message_id || null, postbackData: response.postback_data };
}

function calendarOf(calendar: CalendarContent): CalendarMessage {
  return {
    title: calendar.title,
    eventStart: calendar.event_start,
    eventEnd: calendar.event_end,
    eventTitle: calendar.event_title,
    eventDescription: calendar.event_description ?? null,
    fallbackUrl: calendar.fallback_url,
  };
}
