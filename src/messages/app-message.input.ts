import { Field, Float, InputType, registerEnumType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsEnum,
  IsLatitude,
  IsLongitude,
  IsNotEmpty,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { ConversationChannelName } from '../channels/conversation-channel.js';

/** Far past any channel's own limit; a channel splits or refuses what it cannot take. */
const MAX_TEXT = 30_000;
const MAX_TITLE = 1_000;
const MAX_URL = 2_048;
const WEB_URL = { protocols: ['http', 'https'], require_protocol: true, require_tld: false };

export enum AgentType {
  UNKNOWN_AGENT_TYPE = 'UNKNOWN_AGENT_TYPE',
  HUMAN = 'HUMAN',
  BOT = 'BOT',
}
registerEnumType(AgentType, { name: 'AgentType', description: 'Who speaks for the business.' });

@InputType({ description: 'A plain text.' })
export class TextMessageInput {
  @Field({
    description:
      'What to say; not empty, at most 30,000 characters. Longer than the channel allows, it is split.',
  })
  @IsString()
  @Matches(/\S/, { message: 'text must not be empty' })
  @MaxLength(MAX_TEXT)
  text!: string;
}

@InputType({ description: 'An image, audio, video or file, by its address.' })
export class MediaMessageInput {
  @Field({
    description:
      'Public http or https address of the media. Its kind is told by the extension of the address or of filenameOverride.',
  })
  @IsUrl(WEB_URL)
  @MaxLength(MAX_URL)
  url!: string;

  @Field(() => String, { nullable: true, description: 'A preview picture, where the channel has previews.' })
  @IsOptional()
  @IsUrl(WEB_URL)
  @MaxLength(MAX_URL)
  thumbnailUrl?: string | null;

  @Field(() => String, { nullable: true, description: 'Name to show for a file.' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  filenameOverride?: string | null;
}

@InputType({ description: 'A place on earth, in degrees.' })
export class CoordinatesInput {
  @Field(() => Float, { description: 'From -90 to 90.' })
  @IsLatitude()
  latitude!: number;

  @Field(() => Float, { description: 'From -180 to 180.' })
  @IsLongitude()
  longitude!: number;
}

@InputType({ description: 'A button that opens a page.' })
export class UrlMessageInput {
  @Field({ description: 'The label.' })
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_TITLE)
  title!: string;

  @Field({ description: 'http or https address of the page.' })
  @IsUrl(WEB_URL)
  @MaxLength(MAX_URL)
  url!: string;
}

@InputType({ description: 'A button that dials a number.' })
export class CallMessageInput {
  @Field({ description: 'The label.' })
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_TITLE)
  title!: string;

  @Field({ description: 'International number, with or without the leading +.' })
  @Matches(/^\+?[\d\s().-]{5,32}$/, { message: 'phoneNumber must be an international phone number' })
  phoneNumber!: string;
}

@InputType({ description: 'A button that opens a map.' })
export class LocationMessageInput {
  @Field({ description: 'The label.' })
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_TITLE)
  title!: string;

  @Field(() => String, { nullable: true, description: 'Name or address of the place.' })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_TITLE)
  label?: string | null;

  @Field(() => CoordinatesInput, { description: 'Where it is.' })
  @ValidateNested()
  @Type(() => CoordinatesInput)
  @IsNotEmpty()
  coordinates!: CoordinatesInput;
}

@InputType({
  description: 'One choice: exactly one of textMessage, urlMessage, callMessage and locationMessage.',
})
export class ChoiceInput {
  @Field(() => TextMessageInput, { nullable: true, description: 'A reply that the person can pick.' })
  @IsOptional()
  @ValidateNested()
  @Type(() => TextMessageInput)
  textMessage?: TextMessageInput | null;

  @Field(() => UrlMessageInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => UrlMessageInput)
  urlMessage?: UrlMessageInput | null;

  @Field(() => CallMessageInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => CallMessageInput)
  callMessage?: CallMessageInput | null;

  @Field(() => LocationMessageInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => LocationMessageInput)
  locationMessage?: LocationMessageInput | null;

  @Field(() => String, {
    nullable: true,
    description: 'Comes back when the person picks the choice; {messageId}_{title} when left out.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_TEXT)
  postbackData?: string | null;
}

@InputType({ description: 'A question with choices.' })
export class ChoiceMessageInput {
  @Field(() => TextMessageInput, { nullable: true, description: 'The question.' })
  @IsOptional()
  @ValidateNested()
  @Type(() => TextMessageInput)
  textMessage?: TextMessageInput | null;

  @Field(() => [ChoiceInput], { description: '1 to 10 choices, in order.' })
  @ArrayMinSize(1)
  @ArrayMaxSize(10)
  @ValidateNested({ each: true })
  @Type(() => ChoiceInput)
  choices!: ChoiceInput[];
}

@InputType({ description: "A payload in a channel's own format, sent as it is." })
export class ExplicitChannelMessageInput {
  @Field(() => ConversationChannelName)
  @IsEnum(ConversationChannelName)
  channel!: ConversationChannelName;

  @Field({
    description:
      'The payload as JSON text. For MESSENGER a Send API body or its message; the recipient is always replaced.',
  })
  @IsString()
  @IsNotEmpty()
  @MaxLength(100_000)
  payload!: string;
}

@InputType({ description: 'Who speaks for the business.' })
export class AgentInput {
  @Field(() => String, { nullable: true })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  displayName?: string | null;

  @Field(() => AgentType)
  @IsEnum(AgentType)
  type!: AgentType;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @IsUrl(WEB_URL)
  @MaxLength(MAX_URL)
  pictureUrl?: string | null;
}

@InputType({
  description:
    'What to say: exactly one of textMessage, mediaMessage and choiceMessage; it may be left out when explicitChannelMessage covers the channel.',
})
export class AppMessageInput {
  @Field(() => TextMessageInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => TextMessageInput)
  textMessage?: TextMessageInput | null;

  @Field(() => MediaMessageInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => MediaMessageInput)
  mediaMessage?: MediaMessageInput | null;

  @Field(() => ChoiceMessageInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => ChoiceMessageInput)
  choiceMessage?: ChoiceMessageInput | null;

  @Field(() => [ExplicitChannelMessageInput], {
    nullable: true,
    description: "Payloads in the channels' own formats; each replaces the generic content on its channel.",
  })
  @IsOptional()
  @ArrayMaxSize(20)
  @ValidateNested({ each: true })
  @Type(() => ExplicitChannelMessageInput)
  explicitChannelMessage?: ExplicitChannelMessageInput[] | null;

  @Field(() => AgentInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => AgentInput)
  agent?: AgentInput | null;
}
