// What sends say of their conversation, which keeps it until another send says something else.
import { mergePatch } from '../content/merge-patch.js';
import { metadataFault } from '../content/metadata-size.js';
import type { DomainError } from '../errors.js';
import type { SendCommand } from './command.js';

type Metadata = Record<string, unknown>;
type Saying = Pick<SendCommand, 'conversationMetadata' | 'mergeMetadata' | 'correlationId'>;

const FIELD = 'conversationMetadata';

/** @throws DomainError INVALID_ARGUMENT */
export function assertMetadataSize(metadata: Metadata): void {
  const fault = metadataFault(metadata, FIELD);
  if (fault) throw fault;
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
    const fault = after && metadataFault(after, FIELD, 'must, once merged, be');
    if (!fault) metadata = after ?? metadata;
    return fault;
  });
}

function merged(before: Metadata | null, { conversationMetadata, mergeMetadata }: Saying): Metadata | null {
  if (!conversationMetadata || !mergeMetadata) return conversationMetadata;
  return mergePatch(before, conversationMetadata) as Metadata;
}
