import { identityWire, type Row, textOf } from './row.js';

/** Source: Conversation API, Contact. `channelIdentities` are rows of their own. */
export function contactWire(contact: Row): Record<string, unknown> {
  const identities = Array.isArray(contact.channelIdentities) ? (contact.channelIdentities as Row[]) : [];
  return {
    id: contact.id,
    channel_identities: identities.map(identityWire),
    channel_priority: contact.channelPriority ?? [],
    display_name: textOf(contact, 'displayName') || 'Unknown',
    email: textOf(contact, 'email'),
    external_id: textOf(contact, 'externalId'),
    metadata: textOf(contact, 'metadata'),
    language: textOf(contact, 'language') || 'UNSPECIFIED',
  };
}
