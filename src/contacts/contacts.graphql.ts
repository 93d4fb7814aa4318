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
import { type Caller, reaches } from '../access/caller.js';
import { type Connection, connectionType, PageArgs, toConnection } from '../api/connection.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../api/graphql-context.js';
import { OpenTo } from '../api/open-to.js';
import { DateTime } from '../api/scalars.js';
import { ConversationChannelName } from '../channels/conversation-channel.js';
import { notFound } from '../errors.js';
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
  @Field(() => String, {
    nullable: true,
    description: 'The whole name; null when the channel does not tell.',
  })
  name!: string | null;

  @Field(() => String, { nullable: true, description: 'Given name; null when the channel does not tell.' })
  firstName!: string | null;

  @Field(() => String, { nullable: true, description: 'Family name; null when the channel does not tell.' })
  lastName!: string | null;

  @Field(() => String, { nullable: true, description: "The channel's own link, which expires." })
  pictureUrl!: string | null;

  @Field(() => String, { nullable: true, description: 'Such as pt_BR.' })
  locale!: string | null;

  @Field(() => Float, { nullable: true, description: 'Hours from UTC.' })
  timezone!: number | null;

  @Field(() => String, {
    nullable: true,
    description: "The channel's own word for it; null when it does not tell.",
  })
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
  @Field({ description: 'The phone number, without the leading +.' })
  identity!: string;

  @Field(() => [ConversationChannelName], { description: 'The channels on which contacts have it.' })
  channels!: string[];

  @Field(() => [ID], { description: 'The contacts that have it, two or more.' })
  contactIds!: string[];
}

@ObjectType('ChannelIdentity', { description: 'Who a contact is on a channel.' })
export class ChannelIdentityType {
  @Field(() => ConversationChannelName, { description: 'The channel.' })
  channel!: string;

  @Field({
    description:
      'The id of the person there. Messenger: page-scoped; SMS and the like: the phone number, without the leading +.',
  })
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
  @Field(() => ID, { description: 'Unique in the project.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    middleware: [emptyAsNull],
    description: 'Name to show; null while nobody has told it.',
  })
  displayName!: string | null;

  @Field(() => [ChannelIdentityType], {
    description:
      'Who the person is on each channel, in the order given. An inbox token sees those of its apps, and those that belong to no app.',
  })
  channelIdentities?: ProfiledIdentity[];

  @Field(() => [ConversationChannelName], { description: 'Which channel is tried first.' })
  channelPriority!: string[];

  @Field(() => String, {
    nullable: true,
    middleware: [emptyAsNull],
    description: 'E-mail address; null when unknown.',
  })
  email!: string | null;

  @Field(() => String, { nullable: true, middleware: [emptyAsNull], description: "The customer's own key." })
  externalId!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'A language of the Conversation API, such as EN or PT_BR; UNSPECIFIED when unknown.',
  })
  language!: string;

  @Field(() => String, {
    nullable: true,
    middleware: [emptyAsNull],
    description: "The customer's own text; null when there is none.",
  })
  metadata!: string | null;

  @Field({ description: 'When the contact was made.' })
  createdAt!: Date;

  @Field({ description: 'When the contact was last changed.' })
  updatedAt!: Date;
}

@ObjectType({ description: 'A page of contacts.' })
export class ContactConnection extends connectionType('Contact', ContactType) {}

@ObjectType({ description: 'A page of identity conflicts.' })
export class IdentityConflictConnection extends connectionType('IdentityConflict', IdentityConflictType) {}

@ArgsType()
class ContactsArgs extends PageArgs {
  @Field(() => ContactFilter, { nullable: true, description: 'Which contacts; all when left out.' })
  @IsOptional()
  @ValidateNested()
  @Type(() => ContactFilter)
  filter?: ContactFilter | null;
}

@Resolver(() => ContactType)
export class ContactsResolver {
  constructor(private readonly contacts: ContactsService) {}

  @Query(() => ContactConnection, { name: 'contacts', description: 'In order of creation.' })
  @OpenTo('VIEWER')
  async list(
    @CurrentCaller() { projectId, inbox }: Caller,
    @Args() { filter, ...page }: ContactsArgs,
  ): Promise<Connection<Contact>> {
    return toConnection(await this.contacts.list(projectId, filter ?? {}, page, inbox?.appIds));
  }

  @Query(() => ContactType, { name: 'contact', nullable: true, description: 'One contact.' })
  @OpenTo('VIEWER')
  async get(
    @CurrentCaller() caller: Caller,
    @Args('id', { type: () => ID, description: 'The contact.' }) id: string,
  ): Promise<Contact> {
    const contact = await this.contacts.get(caller.projectId, id);
    if (!(await this.contacts.reached(caller, [id])).has(id)) throw notFound('Contact', id);
    return contact;
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

  @Mutation(() => ContactType, { description: 'Makes a contact.' })
  createContact(
    @CurrentCaller() { projectId }: Caller,
    @Args('input', { description: 'What is known of the person.' }) input: CreateContactInput,
  ): Promise<Contact> {
    return this.contacts.create(projectId, input);
  }

  @Mutation(() => ContactType, { description: 'Changes what is known of a contact.' })
  updateContact(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID, description: 'The contact.' }) id: string,
    @Args('input', { description: 'What to change.' }) input: UpdateContactInput,
  ): Promise<Contact> {
    return this.contacts.update(projectId, id, input);
  }

  @ResolveField()
  async channelIdentities(
    @Parent() contact: Contact,
    @CurrentCaller() caller: Caller,
    @Context() context: GraphqlContext,
  ): Promise<ProfiledIdentity[]> {
    const { projectId } = caller;
    const identities = await loaderOf(
      context,
      'identitiesOfContact',
      () => new DataLoader<string, ProfiledIdentity[]>((ids) => this.contacts.identitiesOf(projectId, ids)),
    ).load(contact.id);
    return identities.filter(({ appId }) => appId === '' || reaches(caller, appId));
  }
}
