import {
  Context,
  Field,
  Float,
  ID,
  ObjectType,
  Parent,
  registerEnumType,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import DataLoader from 'dataloader';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import { DateTime } from '../api/scalars.js';
import { MessageType } from '../messages/messages.graphql.js';
import { MediaService } from './media.service.js';
import type { MediaRow } from './media-row.js';

export enum MediaStateEnum {
  PENDING = 'PENDING',
  STORED = 'STORED',
  FAILED = 'FAILED',
}
registerEnumType(MediaStateEnum, {
  name: 'MediaState',
  description: 'What became of media that came in.',
  valuesMap: {
    PENDING: { description: "Still to be downloaded; the message shows the channel's own link." },
    STORED: { description: 'Kept here; the message shows our link, which lasts.' },
    FAILED: { description: "Given up; the message keeps the channel's own link, which may have expired." },
  },
});

@ObjectType('MessageMedia', {
  description: 'Media that came in with a message, and whether they are kept here.',
})
export class MessageMediaType {
  @Field(() => ID, { description: 'Unique in the project.' })
  id!: string;

  @Field(() => MediaStateEnum, { description: 'Whether it is kept here.' })
  state!: MediaStateEnum;

  @Field({ description: 'The link that the message shows.' })
  url!: string;

  @Field({ description: "The channel's own link; it expires." })
  originalUrl!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Its type, by its first bytes; null until it is stored.',
  })
  contentType!: string | null;

  @Field(() => Float, { nullable: true, description: 'In bytes; null until it is stored.' })
  size!: number | null;

  @Field(() => String, { nullable: true, description: 'Name of the file; null until it is stored.' })
  name!: string | null;

  @Field(() => DateTime, { nullable: true, description: 'When it was stored.' })
  storedAt!: Date | null;

  @Field(() => String, { nullable: true, description: 'Why the last attempt to download it failed.' })
  reason!: string | null;
}

/** Messages do not know of their media. */
@Resolver(() => MessageType)
export class MessageMediaResolver {
  constructor(private readonly media: MediaService) {}

  @ResolveField('media', () => [MessageMediaType], {
    description:
      'Media that came in with the message, thumbnails included; empty for what was sent by this API.',
  })
  async list(
    @Parent() message: MessageType,
    @CurrentCaller() caller: Caller,
    @Context() context: GraphqlContext,
  ): Promise<MessageMediaType[]> {
    const loader = loaderOf(
      context,
      'media',
      () =>
        new DataLoader<string, MediaRow[]>(async (ids) => {
          const found = await this.media.ofMessages(caller.projectId, ids);
          return ids.map((id) => found.get(id) ?? []);
        }),
    );
    return (await loader.load(message.id)).map((row) => this.typeOf(row));
  }

  private typeOf(row: MediaRow): MessageMediaType {
    const { id, originalUrl, contentType, name, storedAt, reason } = row;
    const size = row.size === null ? null : Number(row.size);
    const state = row.state as MediaStateEnum;
    return { id, state, url: this.media.urlOf(row), originalUrl, contentType, size, name, storedAt, reason };
  }
}
