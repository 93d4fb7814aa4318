import { Args, ID, Mutation, Resolver } from '@nestjs/graphql';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import type { Contact } from '../contacts/contact.entity.js';
import { ContactType } from '../contacts/contacts.graphql.js';
import { ErasureService } from './erasure.service.js';
import { MergeService } from './merge.service.js';

@Resolver(() => ContactType)
export class ContactChangesResolver {
  constructor(
    private readonly merging: MergeService,
    private readonly erasure: ErasureService,
  ) {}

  @Mutation(() => ContactType, {
    description:
      'Makes the source part of the destination and removes it: conversations, messages and identities pass over.',
  })
  mergeContacts(
    @CurrentCaller() { projectId }: Caller,
    @Args('sourceId', { type: () => ID, description: 'The contact that goes.' }) sourceId: string,
    @Args('destinationId', { type: () => ID, description: 'The contact that stays.' }) destinationId: string,
  ): Promise<Contact> {
    return this.merging.merge(projectId, sourceId, destinationId);
  }

  @Mutation(() => Boolean, {
    description: "Erases the person's data: identities, conversations, messages, media and events.",
  })
  async deleteContact(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID, description: 'The contact.' }) id: string,
  ): Promise<boolean> {
    await this.erasure.erase(projectId, id);
    return true;
  }
}
