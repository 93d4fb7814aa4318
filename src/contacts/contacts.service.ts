import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, In } from 'typeorm';
import type { Caller } from '../access/caller.js';
import { AppsService } from '../apps/apps.service.js';
import { queryRows } from '../database/rows.js';
import { invalid, notFound } from '../errors.js';
import { EventLog } from '../events/event-log.js';
import { newId } from '../ids.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import { bothWays, searchOf, type Way } from '../words/matches.js';
import { type KnownContact, storeContactWords } from '../words/store.js';
import { Contact } from './contact.entity.js';
import { contactEvents, contactSnapshots } from './contact-events.js';
import { type IdentityConflict, listConflicts } from './conflicts.js';
import type { ContactFilter, CreateContactInput, UpdateContactInput } from './contacts.input.js';
import { ContactSettingsService } from './contact-settings.service.js';
import {
  hasUnifiable,
  identitiesFrom,
  type Identity,
  replaceIdentities,
  unifiedIdentities,
} from './identities.js';
import { type ProfiledIdentity, readProfiles } from './profiles.js';
import { contactsStatement } from './contacts-query.js';
import { metOf } from './reach.js';

type ContactValues = Pick<
  Contact,
  'displayName' | 'email' | 'externalId' | 'language' | 'metadata' | 'channelPriority'
>;

const NOBODY: ContactValues = {
  displayName: '',
  email: '',
  externalId: '',
  language: 'UNSPECIFIED',
  metadata: '',
  channelPriority: [],
};

const CREATE = `
  INSERT INTO contacts (project_id, id, display_name, email, external_id, language, metadata, channel_priority)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *`;

const UPDATE = `
  UPDATE contacts SET display_name = $3, email = $4, external_id = $5, language = $6, metadata = $7,
    channel_priority = $8, updated_at = now()
  WHERE project_id = $1 AND id = $2 RETURNING *`;

@Injectable()
export class ContactsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly apps: AppsService,
    private readonly events: EventLog,
    private readonly settings: ContactSettingsService,
  ) {}

  /** @throws DomainError INVALID_ARGUMENT; ALREADY_EXISTS when an identity belongs to somebody else. */
  async create(projectId: string, input: CreateContactInput): Promise<Contact> {
    const identities = await this.checkIdentities(projectId, input.channelIdentities ?? []);
    return this.dataSource.transaction(async (tx) => {
      const values = valuesOf(NOBODY, input);
      const [contact] = await queryRows<Contact>(tx, CREATE, [projectId, newId(), ...values]);
      if (!contact) throw new Error('a contact was not stored');
      await replaceIdentities(tx, projectId, contact.id, identities);
      await this.tell(tx, 'contact.created', contact);
      return contact;
    });
  }

  async get(projectId: string, id: string): Promise<Contact> {
    const contact = await this.dataSource.manager.findOneBy(Contact, { projectId, id });
    if (!contact) throw notFound('Contact', id);
    return contact;
  }

  /**
   * Those of the contacts that the caller may know of: by an inbox token the ones that have a conversation with one of its apps or
   * an identity of it.
   */
  async reached(caller: Caller, contactIds: readonly string[]): Promise<Set<string>> {
    const { projectId, inbox } = caller;
    if (!inbox || contactIds.length === 0) return new Set(contactIds);
    return metOf(this.dataSource.manager, projectId, contactIds, inbox.appIds);
  }

  /** In order of creation. @param appIds only contacts that have to do with one of them. */
  async list(
    projectId: string,
    filter: ContactFilter,
    page: PageRequest,
    appIds?: readonly string[],
  ): Promise<Page<Contact>> {
    const keyset = keysetOf(page, 1);
    const text = filter.text?.trim() ?? '';
    const search = text === '' ? null : searchOf({ projectId }, text, 'filter.text');
    if (text !== '' && !search) return pageOf<Contact>([], keyset, () => []);
    const ask = (way: Way | null): Promise<Contact[]> => {
      const { sql, values } = contactsStatement(projectId, filter, keyset, { appIds, search, way });
      return queryRows<Contact>(this.dataSource.manager, sql, values);
    };
    const rows = search ? await bothWays(keyset.limit + 1, ask) : await ask(null);
    return pageOf(rows, keyset, (contact) => [contact.id]);
  }

  /** The contacts of these ids, in their order; null for those that are not of the project. */
  async contactsById(projectId: string, ids: readonly string[]): Promise<(Contact | null)[]> {
    const contacts = await this.dataSource.manager.findBy(Contact, { projectId, id: In([...ids]) });
    const byId = new Map(contacts.map((contact) => [contact.id, contact]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  /** The identities of each contact, in the order of `contactIds`. */
  async identitiesOf(projectId: string, contactIds: readonly string[]): Promise<ProfiledIdentity[][]> {
    return readProfiles(this.dataSource.manager, projectId, contactIds);
  }

  /** Phone numbers that different contacts have on different channels, in order of the number. */
  async identityConflicts(projectId: string, page: PageRequest): Promise<Page<IdentityConflict>> {
    return listConflicts(this.dataSource.manager, projectId, page);
  }

  /** What is absent stays; a list of identities replaces the whole list. */
  async update(projectId: string, id: string, input: UpdateContactInput): Promise<Contact> {
    const wanted =
      input.channelIdentities === undefined
        ? null
        : await this.checkIdentities(projectId, input.channelIdentities ?? []);
    return this.dataSource.transaction(async (tx) => {
      const current = await lock(tx, projectId, id);
      const [contact] = await queryRows<Contact>(tx, UPDATE, [projectId, id, ...valuesOf(current, input)]);
      if (!contact) throw new Error(`contact ${id} is gone although it was locked`);
      if (wanted) await replaceIdentities(tx, projectId, id, wanted);
      await this.tell(tx, 'contact.updated', contact);
      return contact;
    });
  }

  private async tell(
    tx: EntityManager,
    kind: 'contact.created' | 'contact.updated',
    contact: Contact,
  ): Promise<void> {
    const events = await contactEvents(tx, kind, contact.projectId, [contact]);
    await this.events.record(tx, events);
    // Of whom no app has met no log tells, and their words are kept by what the logs tell.
    if (events.length === 0) {
      const snapshots = await contactSnapshots(tx, contact.projectId, [contact]);
      await storeContactWords(tx, snapshots as unknown as KnownContact[]);
    }
  }

  private async checkIdentities(
    projectId: string,
    inputs: NonNullable<CreateContactInput['channelIdentities']>,
  ): Promise<Identity[]> {
    const given = identitiesFrom(inputs);
    const unified = hasUnifiable(given) && (await this.settings.find(projectId))?.unifiedContactIdEnabled;
    const identities = unified ? unifiedIdentities(given) : given;
    const apps = await this.apps.appsById(
      projectId,
      identities.map((identity) => identity.appId),
    );
    const unknown = identities.findIndex((identity, index) => identity.appId !== '' && !apps[index]);
    if (unknown >= 0) {
      const { appId } = identities[unknown] ?? {};
      throw invalid(`channelIdentities[${unknown}].appId`, 'exists', `App ${appId} was not found`);
    }
    return identities;
  }
}

async function lock(tx: EntityManager, projectId: string, id: string): Promise<Contact> {
  const [contact] = await queryRows<Contact>(
    tx,
    `SELECT * FROM contacts WHERE project_id = $1 AND id = $2 FOR NO KEY UPDATE`,
    [projectId, id],
  );
  if (!contact) throw notFound('Contact', id);
  return contact;
}

/** What the columns become, in the order of the statements: absent keeps what is there, null empties. */
function valuesOf(current: ContactValues, input: UpdateContactInput): unknown[] {
  const keep = <T>(given: T | null | undefined, kept: T, empty: T): T =>
    given === undefined ? kept : (given ?? empty);
  return [
    keep(input.displayName, current.displayName, ''),
    keep(input.email, current.email, ''),
    keep(input.externalId, current.externalId, ''),
    keep(input.language, current.language, NOBODY.language),
    keep(input.metadata, current.metadata, ''),
    keep<string[]>(input.channelPriority, current.channelPriority, []),
  ];
}
