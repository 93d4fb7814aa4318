// What sends say of their conversation, which keeps it until another send says something else.
import { mergePatch } from '../content/merge-patch.js';
import { type DomainError, invalid } from '../errors.js';
import type { SendCommand } from './command.js';

type Metadata = Record<string, unknown>;
type Saying = Pick<SendCommand, 'conversationMetadata' | 'mergeMetadata' | 'correlationId'>;

/** Characters of JSON. Source: Conversation API, limits. */
const MAX_METADATA = 2048;

/** @throws DomainError INVALID_ARGUMENT */
export function assertMetadataSize(metadata: Metadata): void {
  if (isTooLong(metadata)) throw tooLong('conversationMetadata must be');
}

/** What a conversation keeps after sends to it, in their order; null where none of them said anything. */
export interface Kept {
  metadataJson: Metadata | null;
  correlationId: string | null;
}

export function keptOf(before: Metadata | null, sends: readonly Saying[]): Kept {
  let metadataJson: Metadata | null = null;
  for (const send of sends) metadataJson = merged(metadataJson ?? before, send) ?? metadataJson;
  const correlationId = sends.map((send) => send.correlationId).findLast((id) => id !== null) ?? null;
  return { metadataJson, correlationId };
}

/** Why each send cannot be accepted after those before it; null where it can: patch by patch, metadata could grow without end. */
export function overgrown(before: Metadata | null, sends: readonly Saying[]): (DomainError | null)[] {
  let metadata = before;
  return sends.map((send) => {
    const after = merged(metadata, send);
    if (after && isTooLong(after)) return tooLong('conversationMetadata must, once merged, be');
    metadata = after ?? metadata;
    return null;
  });
}

function merged(before: Metadata | null, { conversationMetadata, mergeMetadata }: Saying): Metadata | null {
  if (!conversationMetadata || !mergeMetadata) return conversationMetadata;
  return mergePatch(before, conversationMetadata) as Metadata;
}

function isTooLong(metadata: Metadata): boolean {
  return JSON.stringify(metadata).length > MAX_METADATA;
}

function tooLong(what: string): DomainError {
  const message = `${what} at most ${MAX_METADATA} characters of JSON`;
  return invalid('conversationMetadata', 'maxLength', message);
}
