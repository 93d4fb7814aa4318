import { Controller, Get, Param, Patch } from '@nestjs/common';
import { IsEnum, IsOptional, IsString, MaxLength } from 'class-validator';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import {
  inputOf,
  JsonBody,
  nextPageToken,
  PageQuery,
  pageRequest,
  patchOf,
  type Plain,
  PlainBody,
  PostOk,
  PROJECT_V1,
  UpdateMask,
  WireQuery,
} from '../api/rest.js';
import { ConversationChannelName } from '../channels/conversation-channel.js';
import { invalid } from '../errors.js';
import { contactWire } from '../wire/contact.js';
import type { Contact } from './contact.entity.js';
import { CreateContactInput, UpdateContactInput } from './contacts.input.js';
import { ContactsService } from './contacts.service.js';
import { isPhoneChannel } from './identities.js';

/** Source: Conversation API, page sizes. */
const MAX_PAGE = 20;

class ListContactsQuery extends PageQuery {
  @IsOptional()
  @IsString()
  @MaxLength(255)
  externalId?: string;

  @IsOptional()
  @IsEnum(ConversationChannelName)
  channel?: ConversationChannelName;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  identity?: string;
}

/** Contacts of the Conversation API; what changes more than the contact itself is in people/. */
@Controller(PROJECT_V1)
export class ContactsController {
  constructor(private readonly contacts: ContactsService) {}

  @Get('contacts')
  async list(
    @CurrentCaller() { projectId }: Caller,
    @WireQuery(ListContactsQuery) query: ListContactsQuery,
  ): Promise<{ contacts: object[]; next_page_token: string }> {
    const { externalId, channel, identity } = query;
    if (externalId && (channel || identity)) {
      throw invalid('externalId', 'exclusive', 'externalId does not go with channel and identity');
    }
    const filter = { externalId, channel, identity: identity && channel && dialled(channel, identity) };
    const page = await this.contacts.list(projectId, filter, pageRequest(query, { max: MAX_PAGE }));
    const contacts = await this.wires(
      projectId,
      page.items.map(({ node }) => node),
    );
    return { contacts, next_page_token: nextPageToken(page) };
  }

  @PostOk('contacts')
  async create(
    @CurrentCaller() { projectId }: Caller,
    @JsonBody(CreateContactInput) input: CreateContactInput,
  ): Promise<object> {
    if (!input.channelIdentities?.length) {
      throw invalid(
        'channelIdentities',
        'arrayMinSize',
        'channelIdentities must contain at least 1 elements',
      );
    }
    return this.wire(projectId, await this.contacts.create(projectId, input));
  }

  @Get('contacts\\:identityConflicts')
  async identityConflicts(
    @CurrentCaller() { projectId }: Caller,
    @WireQuery(PageQuery) query: PageQuery,
  ): Promise<{ conflicts: object[]; next_page_token: string }> {
    const page = await this.contacts.identityConflicts(projectId, pageRequest(query, { max: MAX_PAGE }));
    const conflicts = page.items.map(({ node: { identity, channels, contactIds } }) => ({
      identity,
      channels,
      contact_ids: contactIds,
    }));
    return { conflicts, next_page_token: nextPageToken(page) };
  }

  @Get('contacts/:contact_id')
  async get(@CurrentCaller() { projectId }: Caller, @Param('contact_id') id: string): Promise<object> {
    return this.wire(projectId, await this.contacts.get(projectId, id));
  }

  @Patch('contacts/:contact_id')
  async update(
    @CurrentCaller() { projectId }: Caller,
    @Param('contact_id') id: string,
    @PlainBody(UpdateContactInput) body: Plain,
    @UpdateMask() mask: string[] | null,
  ): Promise<object> {
    const input = await inputOf(UpdateContactInput, patchOf(body, mask));
    return this.wire(projectId, await this.contacts.update(projectId, id, input));
  }

  private async wire(projectId: string, contact: Contact): Promise<object> {
    const [wire = {}] = await this.wires(projectId, [contact]);
    return wire;
  }

  private async wires(projectId: string, contacts: Contact[]): Promise<object[]> {
    const identities = await this.contacts.identitiesOf(
      projectId,
      contacts.map(({ id }) => id),
    );
    return contacts.map((contact, index) =>
      contactWire({ ...contact, channelIdentities: identities[index] ?? [] }),
    );
  }
}

/** Existing clients do not encode the plus of a phone number, and a query reads it as a space. */
function dialled(channel: string, identity: string): string {
  return isPhoneChannel(channel) ? identity.replace(/^ /, '+') : identity;
}
