import { type Caller, reaches } from '../access/caller.js';
import type { ContactsService } from '../contacts/contacts.service.js';
import { type DomainError, notFound } from '../errors.js';
import type { SendCommand } from './command.js';

type Asked = Pick<SendCommand, 'appId' | 'recipient'>;

/**
 * Why the caller may not make each of these sends; null where they may. By an inbox token one writes from its apps, and to contacts
 * that it shows: or a conversation with anybody could be begun to see them.
 */
export async function outOfReach(
  caller: Caller,
  contacts: ContactsService,
  commands: readonly Asked[],
): Promise<(DomainError | null)[]> {
  if (!caller.inbox) return commands.map(() => null);
  const known = await contacts.reached(
    caller,
    commands.flatMap(({ recipient }) => ('contactId' in recipient ? [recipient.contactId] : [])),
  );
  return commands.map(({ appId, recipient }) => {
    if (!reaches(caller, appId)) return notFound('app', appId);
    if ('contactId' in recipient && !known.has(recipient.contactId)) {
      return notFound('contact', recipient.contactId);
    }
    return null;
  });
}

/** @throws DomainError NOT_FOUND */
export async function assertWithinReach(
  caller: Caller,
  contacts: ContactsService,
  command: Asked,
): Promise<void> {
  const [refusal] = await outOfReach(caller, contacts, [command]);
  if (refusal) throw refusal;
}
