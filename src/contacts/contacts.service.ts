import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, In } from 'typeorm';
import { AppsService } from '../apps/apps.service.js';
import { queryRows } from '../database/rows.js';
import { invalid, notFound } from '../errors.js';
import { EventLog } from '../events/event-log.js';
import { newId } from '../ids.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import { Contact } from './contact.entity.js';
import { contactEvents } from './contact-events.js';
import { type IdentityConflict, listConflicts } from './conflicts.js';
import type { ContactFilter, CreateContactInput, UpdateContactInput } from './contacts.input.js';
import { identitiesFrom, type Identity, normalIdentity, replaceIdentities } from './identities.js';
import { type ProfiledIdentity, readProfiles } from './profiles.js';

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
  ) {}

  /** @throws DomainError INVALID_ARGUMENT; ALREADY_EXISTS when an identity belongs to somebody else. */
  async create(projectId: string, input: CreateContactInput): Promise<Contact> {
    const identities = await this.checkIdentities(projectId, input.channelIdentities ?? []);
    return this.dataSource.transaction(async (tx) => {
      const values = valuesOf(NOBODY, input);
      const [contact] = await queryRows<Contact>(tx, CREATE, [projectId, newId(), ...values]);
      if (!contact) throw new Error('a contact was not stored');
      await replaceIdentities(tx, projectId, contact.id, identities);
      await this.events.record(tx, await contactEvents(tx, 'contact.created', projectId, [contact]));
      return contact;
    });
  }

  async get(projectId: string, id: string): Promise<Contact> {
    const contact = await this.dataSource.manager.findOneBy(Contact, { projectId, id });
    if (!contact) throw notFound('Contact', id);
    return contact;
  }

  /** In order of creation. */
  async list(projectId: string, filter: ContactFilter, page: PageRequest): Promise<Page<Contact>> {
    const keyset = keysetOf(page, 1);
    const [sign, order] = keyset.backward ? ['<', 'DESC'] : ['>', 'ASC'];
    const conditions = ['c.project_id = $1'];
    const parameters: unknown[] = [projectId];
    const bind = (value: unknown): string => `$${parameters.push(value)}`;
    if (filter.text) conditions.push(`c.display_name ILIKE ${bind(prefixPattern(filter.text))}`);
    if (filter.externalId) conditions.push(`c.external_id = ${bind(filter.externalId)}`);
    if ((filter.channel == null) !== (filter.identity == null)) {
      throw invalid('filter', 'together', 'filter.channel and filter.identity go together');
    }
    if (filter.channel != null && filter.identity != null) {
      // Names every app, so that the identities' key is searched and not read through.
      conditions.push(`c.id IN (SELECT i.contact_id FROM channel_identities i WHERE i.project_id = $1
        AND i.channel = ${bind(filter.channel)} AND i.identity = ${bind(normalIdentity(filter.channel, filter.identity))}
        AND i.app_id = ANY(ARRAY(SELECT a.id FROM apps a WHERE a.project_id = $1) || ''::text))`);
    }
    if (keyset.position) conditions.push(`c.id ${sign} ${bind(keyset.position[0])}`);
    const rows = await queryRows<Contact>(
      this.dataSource.manager,
      `SELECT c.* FROM contacts c WHERE ${conditions.join(' AND ')} ORDER BY c.id ${order} LIMIT ${bind(keyset.limit + 1)}`,
      parameters,
    );
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
      await this.events.record(tx, await contactEvents(tx, 'contact.updated', projectId, [contact]));
      return contact;
    });
  }

  private async checkIdentities(
    projectId: string,
    inputs: NonNullable<CreateContactInput['channelIdentities']>,
  ): Promise<Identity[]> {
    const identities = identitiesFrom(inputs);
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

/** Finds texts that begin with this one; its own wildcards mean themselves. */
function prefixPattern(text: string): string {
  return `${text.replace(/[\\%_]/g, '\\$&')}%`;
}
