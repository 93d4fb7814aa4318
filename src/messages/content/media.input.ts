import { Field, Float, InputType } from '@nestjs/graphql';
import { IsLatitude, IsLongitude } from 'class-validator';
import {
  MAX_NAME,
  MAX_TEXT,
  MAX_TITLE,
  Nested,
  OptionalText,
  OptionalWebUrl,
  Text,
  WebUrl,
} from './marks.js';

@InputType({ description: 'A plain text.' })
export class TextMessageInput {
  @Field({
    description:
      'What to say; not empty, at most 30,000 characters. Longer than the channel allows, it is split.',
  })
  @Text(MAX_TEXT)
  text!: string;
}

@InputType({ description: 'An image, audio, video or file, by its address.' })
export class MediaMessageInput {
  @Field({
    description:
      'Public http or https address of the media. Its kind is told by the extension of the address or of filenameOverride.',
  })
  @WebUrl()
  url!: string;

  @Field(() => String, { nullable: true, description: 'A preview picture, where the channel has previews.' })
  @OptionalWebUrl()
  thumbnailUrl?: string | null;

  @Field(() => String, { nullable: true, description: 'Name to show for a file.' })
  @OptionalText(MAX_NAME)
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

@InputType({ description: 'A place; as a choice, a button that opens a map.' })
export class LocationMessageInput {
  @Field({ description: 'What to call it; as a choice, the label.' })
  @Text(MAX_TITLE)
  title!: string;

  @Field(() => String, { nullable: true, description: 'Name or address of the place.' })
  @OptionalText(MAX_TITLE)
  label?: string | null;

  @Field(() => CoordinatesInput, { description: 'Where it is.' })
  @Nested(() => CoordinatesInput)
  coordinates!: CoordinatesInput;
}
