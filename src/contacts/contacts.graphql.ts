import {
  Args,
  ArgsType,
  Context,
  Field,
  type FieldMiddleware,
  Float,
  ID,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { Type } from 'class-transformer';
import { IsOptional, ValidateNested } from 'class-validator';
import DataLoader from 'dataloader';
import type { Caller } from '../access/caller.js';
import { type Connection, connectionType, PageArgs, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import { DateTime } from '../api/scalars.js';
import { ConversationChannelName } from '../channels/conversation-channel.js';
import type { IdentityConflict } from './conflicts.js';
import type { Contact } from './contact.entity.js';
import { ContactFilter, CreateContactInput, UpdateContactInput } from './contacts.input.js';
import { ContactsService } from './contacts.service.js';
import type { KnownProfile, ProfiledIdentity } from './profiles.js';

/** The Conversation API says unset by an empty text, GraphQL by null. */
const emptyAsNull: FieldMiddleware = async (_context, next) => ((await next()) as string | null) || null;

@ObjectType('ChannelProfile', {
  description:
    'What a channel tells of a person. Asked when they first appear, and every month in which they write.',
})
export class ChannelProfileType {
  @Field(() => String, { nullable: true })
  name!: string | null;

  @Field(() => String, { nullable: true })
  firstName!: string | null;

  @Field(() => String, { nullable: true })
  lastName!: string | null;

  @Field(() => String, { nullable: true, description: "The channel's own link, which expires." })
  pictureUrl!: string | null;

  @Field(() => String, { nullable: true, description: 'Such as pt_BR.' })
  locale!: string | null;

  @Field(() => Float, { nullable: true, description: 'Hours from UTC.' })
  timezone!: number | null;

  @Field(() => String, { nullable: true })
  gender!: string | null;

  @Field(() => DateTime, { nullable: true, description: 'When the channel last answered.' })
  answeredAt!: Date | null;

  @Field(() => String, { nullable: true, description: 'Why there is none, or none that is newer.' })
  error!: string | null;
}

@ObjectType('IdentityConflict', {
  description: 'A phone number that different contacts have on different channels; merging them settles it.',
})
export class IdentityConflictType {
  @Field()
  identity!: string;

  @Field(() => [ConversationChannelName])
  channels!: string[];

  @Field(() => [ID])
  contactIds!: string[];
}

@ObjectType('ChannelIdentity', { description: 'Who a contact is on a channel.' })
export class ChannelIdentityType {
  @Field(() => ConversationChannelName)
  channel!: string;

  @Field()
  identity!: string;

  @Field(() => ID, { nullable: true, middleware: [emptyAsNull], description: 'On app-scoped channels.' })
  appId!: string | null;

  @Field(() => ChannelProfileType, {
    nullable: true,
    description: 'Null where the channel has neither told nor refused.',
  })
  profile?: KnownProfile | null;
}

@ObjectType('Contact', { description: 'A person, whatever channels they write on.' })
export class ContactType {
  @Field(() => ID)
  id!: string;

  @Field(() => String, { nullable: true, middleware: [emptyAsNull] })
  displayName!: string | null;

  @Field(() => [ChannelIdentityType])
  channelIdentities?: ProfiledIdentity[];

  @Field(() => [ConversationChannelName], { description: 'Which channel is tried first.' })
  channelPriority!: string[];

  @Field(() => String, { nullable: true, middleware: [emptyAsNull] })
  email!: string | null;

  @Field(() => String, { nullable: true, middleware: [emptyAsNull], description: "The customer's own key." })
  externalId!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'A language of the Conversation API, such as EN or PT_BR; UNSPECIFIED when unknown.',
  })
  language!: string;

  @Field(() => String, { nullable: true, middleware: [emptyAsNull] })
  metadata!: string | null;

  @Field()
  createdAt!: Date;

  @Field()
  updatedAt!: Date;
}

@ObjectType()
export class ContactConnection extends connectionType('Contact', ContactType) {}

@ObjectType()
export class IdentityConflictConnection extends connectionType('IdentityConflict', IdentityConflictType) {}

@ArgsType()
class ContactsArgs extends PageArgs {
  @Field(() => ContactFilter, { nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => ContactFilter)
  filter?: ContactFilter | null;
}

@Resolver(() => ContactType)
export class ContactsResolver {
  constructor(private readonly contacts: ContactsService) {}

  @Query(() => ContactConnection, { name: 'contacts', description: 'In order of creation.' })
  async list(
    @CurrentCaller() { projectId }: Caller,
    @Args() { filter, ...page }: ContactsArgs,
  ): Promise<Connection<Contact>> {
    return toConnection(await this.contacts.list(projectId, filter ?? {}, page));
  }

  @Query(() => ContactType, { name: 'contact', nullable: true })
  get(@CurrentCaller() { projectId }: Caller, @Args('id', { type: () => ID }) id: string): Promise<Contact> {
    return this.contacts.get(projectId, id);
  }

  @Query(() => IdentityConflictConnection, {
    description: 'Phone numbers that different contacts have on SMS, MMS and RCS, in order of the number.',
  })
  async identityConflicts(
    @CurrentCaller() { projectId }: Caller,
    @Args() page: PageArgs,
  ): Promise<Connection<IdentityConflict>> {
    return toConnection(await this.contacts.identityConflicts(projectId, page));
  }

  @Mutation(() => ContactType)
  createContact(
    @CurrentCaller() { projectId }: Caller,
    @Args('input') input: CreateContactInput,
  ): Promise<Contact> {
    return this.contacts.create(projectId, input);
  }

  @Mutation(() => ContactType)
  updateContact(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID }) id: string,
    @Args('input') input: UpdateContactInput,
  ): Promise<Contact> {
    return this.contacts.update(projectId, id, input);
  }

  @ResolveField()
  channelIdentities(
    @Parent() contact: Contact,
    @Context() context: GraphqlContext,
  ): Promise<ProfiledIdentity[]> {
    const { projectId } = contact;
    return loaderOf(
      context,
      'identitiesOfContact',
      () => new DataLoader<string, ProfiledIdentity[]>((ids) => this.contacts.identitiesOf(projectId, ids)),
    ).load(contact.id);
  }
}
