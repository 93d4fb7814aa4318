import { Field, InputType, registerEnumType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import { IsDate, IsEnum, IsOptional } from 'class-validator';
import { DateTime } from '../../api/scalars.js';
import {
  MAX_TEXT,
  MAX_TITLE,
  NestedList,
  OptionalNested,
  OptionalText,
  PhoneNumber,
  Text,
  WebUrl,
} from './marks.js';
import { LocationMessageInput, TextMessageInput } from './media.input.js';

export const MAX_CHOICES = 10;

export enum DisplayMode {
  DISPLAY_MODE_UNSPECIFIED = 'DISPLAY_MODE_UNSPECIFIED',
  PERSISTENT = 'PERSISTENT',
}
registerEnumType(DisplayMode, {
  name: 'DisplayMode',
  description: 'Whether a choice stays when the conversation goes on, on channels that can (RCS).',
  valuesMap: {
    DISPLAY_MODE_UNSPECIFIED: {
      description: "The channel's own way: a choice goes when the conversation goes on.",
    },
    PERSISTENT: { description: 'The choice stays.' },
  },
});

@InputType({ description: 'A button that opens a page.' })
export class UrlMessageInput {
  @Field({ description: 'The label.' })
  @Text(MAX_TITLE)
  title!: string;

  @Field({ description: 'http or https address of the page.' })
  @WebUrl()
  url!: string;
}

@InputType({ description: 'A button that dials a number.' })
export class CallMessageInput {
  @Field({ description: 'The label.' })
  @Text(MAX_TITLE)
  title!: string;

  @Field({ description: 'International number, with or without the leading +.' })
  @PhoneNumber()
  phoneNumber!: string;
}

@InputType({ description: 'A button that adds an event to the calendar; elsewhere it opens a page.' })
export class CalendarMessageInput {
  @Field({ description: 'The label.' })
  @Text(MAX_TITLE)
  title!: string;

  @Field(() => DateTime, { description: 'When the event begins.' })
  @IsDate()
  @Type(() => Date)
  eventStart!: Date;

  @Field(() => DateTime, { description: 'When it ends; not before it begins.' })
  @IsDate()
  @Type(() => Date)
  eventEnd!: Date;

  @Field({ description: 'What the event is called.' })
  @Text(MAX_TITLE)
  eventTitle!: string;

  @Field(() => String, { nullable: true, description: 'What the event is about.' })
  @OptionalText(MAX_TEXT)
  eventDescription?: string | null;

  @Field({ description: 'http or https address to open where the channel has no calendar.' })
  @WebUrl()
  fallbackUrl!: string;
}

@InputType({ description: 'A button that asks where the person is; elsewhere it opens a page.' })
export class ShareLocationMessageInput {
  @Field({ description: 'The label.' })
  @Text(MAX_TITLE)
  title!: string;

  @Field({ description: 'http or https address to open where the channel cannot ask.' })
  @WebUrl()
  fallbackUrl!: string;
}

@InputType({
  description:
    'One choice: exactly one of textMessage, urlMessage, callMessage, locationMessage, calendarMessage and shareLocationMessage.',
})
export class ChoiceInput {
  @Field(() => TextMessageInput, { nullable: true, description: 'A reply that the person can pick.' })
  @OptionalNested(() => TextMessageInput)
  textMessage?: TextMessageInput | null;

  @Field(() => UrlMessageInput, { nullable: true, description: 'A button that opens a page.' })
  @OptionalNested(() => UrlMessageInput)
  urlMessage?: UrlMessageInput | null;

  @Field(() => CallMessageInput, { nullable: true, description: 'A button that dials a number.' })
  @OptionalNested(() => CallMessageInput)
  callMessage?: CallMessageInput | null;

  @Field(() => LocationMessageInput, { nullable: true, description: 'A button that opens a map.' })
  @OptionalNested(() => LocationMessageInput)
  locationMessage?: LocationMessageInput | null;

  @Field(() => CalendarMessageInput, {
    nullable: true,
    description: 'A button that adds an event to the calendar.',
  })
  @OptionalNested(() => CalendarMessageInput)
  calendarMessage?: CalendarMessageInput | null;

  @Field(() => ShareLocationMessageInput, {
    nullable: true,
    description: 'A button that asks where the person is.',
  })
  @OptionalNested(() => ShareLocationMessageInput)
  shareLocationMessage?: ShareLocationMessageInput | null;

  @Field(() => String, {
    nullable: true,
    description: 'Comes back when the person picks the choice; {messageId}_{title} when left out.',
  })
  @OptionalText(MAX_TEXT)
  postbackData?: string | null;

  @Field(() => DisplayMode, {
    nullable: true,
    description: 'PERSISTENT keeps the choice on RCS. Not for the choices under a carousel.',
  })
  @IsOptional()
  @IsEnum(DisplayMode)
  displayMode?: DisplayMode | null;
}

@InputType({ description: 'A question with choices.' })
export class ChoiceMessageInput {
  @Field(() => TextMessageInput, { nullable: true, description: 'The question.' })
  @OptionalNested(() => TextMessageInput)
  textMessage?: TextMessageInput | null;

  @Field(() => [ChoiceInput], { description: '1 to 10 choices, in order.' })
  @NestedList(() => ChoiceInput, MAX_CHOICES)
  choices!: ChoiceInput[];
}
