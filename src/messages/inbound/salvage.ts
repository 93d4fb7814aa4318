import { createHash } from 'node:crypto';
import type { InboundEvent, InboundUnsupported } from '../../channels/channel.js';

/** NUL and halves of surrogate pairs as JSON spells them: no text in Postgres can hold them. */
const UNSTORABLE = /\\u(0000|d[89a-f][0-9a-f]{2})/g;

/** A copy as plain JSON that every table takes. */
export function storable<T>(value: T): T {
  return JSON.parse(JSON.stringify(value).replace(UNSTORABLE, '\\ufffd')) as T;
}

/** What is kept of an event that the tables refuse: all that it said, reported as unsupported. */
export function salvaged(event: InboundEvent): InboundUnsupported {
  const raw = storable(event.kind === 'unsupported' ? event.raw : event);
  return { kind: 'unsupported', identity: '', at: null, raw, key: digest(raw) };
}

/** Recognises JSON that comes again. */
export function digest(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('base64url');
}
