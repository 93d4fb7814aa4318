import { type DomainError, invalid } from '../errors.js';

/** Characters of JSON that a conversation keeps. Source: Conversation API, limits. */
const MAX_METADATA = 2048;

/**
 * What is wrong with the metadata of a conversation, null when nothing is.
 * @param name of the field. @param verb 'must be', unless it takes more to say when.
 */
export function metadataFault(metadata: object, name: string, verb = 'must be'): DomainError | null {
  if (JSON.stringify(metadata).length <= MAX_METADATA) return null;
  return invalid(name, 'maxLength', `${name} ${verb} at most ${MAX_METADATA} characters of JSON`);
}
