import {
  Args,
  ArgsType,
  Context,
  Field,
  type FieldMiddleware,
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
import { ConversationChannelName } from '../channels/conversation-channel.js';
import type { Contact } from './contact.entity.js';
import { ContactFilter, CreateContactInput, UpdateContactInput } from './contacts.input.js';
import { ContactsService } from './contacts.service.js';
import type { Identity } from './identities.js';

/** The Conversation API says unset by an empty text, GraphQL by null. */
const emptyAsNull: FieldMiddleware = async (_context, next) => ((await next()) as string | null) || null;

@ObjectType('ChannelIdentity', { description: 'Who a contact is on a channel.' })
export class ChannelIdentityType {
  @Field(() => ConversationChannelName)
  channel!: string;

  @Field()
  identity!: string;

  @Field(() => ID, { nullable: true, middleware: [emptyAsNull], description: 'On app-scoped channels.' })
  appId!: string | null;
}

@ObjectType('Contact', { description: 'A person, whatever channels they write on.' })
export class ContactType {
  @Field(() => ID)
  id!: string;

  @Field(() => String, { nullable: true, middleware: [emptyAsNull] })
  displayName!: string | null;

  @Field(() => [ChannelIdentityType])
  channelIdentities?: Identity[];

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

  @Mutation(() => Boolean, {
    description: "Erases the person's data: identities, conversations, messages and events.",
  })
  async deleteContact(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID }) id: string,
  ): Promise<boolean> {
    await this.contacts.delete(projectId, id);
    return true;
  }

  @ResolveField()
  channelIdentities(@Parent() contact: Contact, @Context() context: GraphqlContext): Promise<Identity[]> {
    const { projectId } = contact;
    return loaderOf(
      context,
      'identitiesOfContact',
      () => new DataLoader<string, Identity[]>((ids) => this.contacts.identitiesOf(projectId, ids)),
    ).load(contact.id);
  }
}
