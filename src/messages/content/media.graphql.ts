import { Field, Float, ObjectType } from '@nestjs/graphql';
import type {
  LocationMessage as LocationContent,
  MediaMessage as MediaContent,
} from '../../content/app-message.js';

@ObjectType({ description: 'A plain text.' })
export class TextMessage {
  @Field({ description: 'What is said.' })
  text!: string;
}

@ObjectType({ description: 'An image, audio, video or file.' })
export class MediaMessage {
  @Field({ description: 'Address of the media.' })
  url!: string;

  @Field(() => String, { nullable: true, description: 'A preview picture.' })
  thumbnailUrl!: string | null;

  @Field(() => String, { nullable: true, description: 'Name to show for a file.' })
  filenameOverride!: string | null;
}

@ObjectType({ description: 'Media with a text.' })
export class MediaCardMessage {
  @Field({ description: 'Address of the media.' })
  url!: string;

  @Field({ description: 'The text; empty when there is none.' })
  caption!: string;
}

@ObjectType({ description: 'A place on earth, in degrees.' })
export class Coordinates {
  @Field(() => Float, { description: 'From -90 to 90.' })
  latitude!: number;

  @Field(() => Float, { description: 'From -180 to 180.' })
  longitude!: number;
}

@ObjectType({ description: 'A place; as a choice, a button that opens a map.' })
export class LocationMessage {
  @Field({ description: 'What it is called; empty when it has no name.' })
  title!: string;

  @Field({ description: 'Name or address of the place; empty when there is none.' })
  label!: string;

  @Field({ description: 'Where it is.' })
  coordinates!: Coordinates;
}

export function mediaOf(media: MediaContent): MediaMessage {
  return {
    url: media.url,
    thumbnailUrl: media.thumbnail_url ?? null,
    filenameOverride: media.filename_override ?? null,
  };
}

export function locationOf(location: LocationContent): LocationMessage {
  return { title: location.title, label: location.label ?? '', coordinates: location.coordinates };
}
