import { Args, Field, ID, ObjectType, Query, Resolver } from '@nestjs/graphql';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { ContactsService } from '../contacts/contacts.service.js';
import { PublicUrl } from '../public-url.js';
import { SecretBox } from '../secrets.js';
import { tokenOf } from './export-link.js';

const LINK_MS = 15 * 60_000;

@ObjectType({ description: "A link to a person's data." })
export class ContactExport {
  @Field({
    description:
      'Gives all that is kept of the person as one JSON file. Opens without credentials for whoever has it: pass it to a browser, not on.',
  })
  url!: string;

  @Field({ description: 'When the link ends; a download that has begun goes on.' })
  expiresAt!: Date;
}

@Resolver()
export class ContactExportResolver {
  constructor(
    private readonly contacts: ContactsService,
    private readonly secrets: SecretBox,
    private readonly publicUrl: PublicUrl,
  ) {}

  @Query(() => ContactExport, {
    description:
      'A link, good for a quarter of an hour, to all that is kept of a person: contact, identities, profiles, conversations, messages, media links, events and notes.',
  })
  async exportContact(
    @CurrentCaller() { projectId }: Caller,
    @Args('id', { type: () => ID, description: 'Of the contact.' }) id: string,
  ): Promise<ContactExport> {
    const { id: contactId } = await this.contacts.get(projectId, id);
    const expiresAt = new Date(Date.now() + LINK_MS);
    const token = tokenOf(this.secrets, { projectId, contactId, expiresAt });
    const path = `/v1/projects/${encodeURIComponent(projectId)}/contacts/${contactId}:export`;
    return { url: `${this.publicUrl.base()}${path}?token=${token}`, expiresAt };
  }
}
