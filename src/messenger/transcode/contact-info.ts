import type { ContactInfoMessage } from '../../content/app-message.js';
import { refused } from './refused.js';
import type { Place, Rendering } from './rendering.js';
import { texts } from './text.js';

/** Messenger has no contact card: a text with a line for everything that is given. */
export function renderContactInfo(contact: ContactInfoMessage, { path }: Place): Rendering {
  const { organization, birthday } = contact;
  const lines = [
    nameOf(contact.name),
    together(organization?.title, organization?.department, organization?.company),
    ...contact.phone_numbers.map(({ phone_number, type }) => typed(phone_number, type)),
    ...(contact.email_addresses ?? []).map(({ email_address, type }) => typed(email_address, type)),
    ...(contact.addresses ?? []).map(({ street, zip, city, state, country, country_code, type }) =>
      typed(together(street, together(zip, city), state, country, country_code), type),
    ),
    ...(contact.urls ?? []).map(({ url, type }) => typed(url, type)),
    birthday?.trim() ?? '',
  ].filter((line) => line !== '');
  if (lines.length === 0) throw refused(`message.${path}`, 'required', 'the contact is empty');
  const { messages, notes } = texts(lines.join('\n'), path);
  const rule = 'Messenger has no contact card';
  return { messages, notes: [{ field: path, rule, action: 'sent as text' }, ...notes] };
}

/** The full name, and in brackets what it leaves out. */
function nameOf({ full_name, ...parts }: ContactInfoMessage['name']): string {
  const { prefix, first_name, middle_name, last_name, suffix } = parts;
  const more = [prefix, first_name, middle_name, last_name, suffix].filter(
    (part) => part?.trim() && !full_name.includes(part.trim()),
  );
  return typed(full_name, together(...more));
}

function together(...parts: (string | undefined)[]): string {
  return parts
    .map((part) => part?.trim() ?? '')
    .filter((part) => part !== '')
    .join(', ');
}

function typed(value: string, type = ''): string {
  const [what, kind] = [value.trim(), type.trim()];
  return what === '' || kind === '' ? what || kind : `${what} (${kind})`;
}
