import { invalid } from '../errors.js';
import type { Position } from './event.js';

/** The very beginning of a log. */
export const ORIGIN: Position = { xact: 0n, seq: 0n };

/** A position as the opaque text that clients keep. */
export function encodePosition(position: Position): string {
  return Buffer.from(`${position.xact}.${position.seq}`).toString('base64url');
}

/** @throws DomainError INVALID_ARGUMENT naming `path` when the text is no cursor of ours. */
export function decodePosition(cursor: string, path = 'after'): Position {
  const match = /^(\d{1,18})\.(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (!match?.[1] || !match[2])
    throw invalid(
      path,
      'cursor',
      `${path} is not an event cursor; pass one that an event, a page or a list gave`,
    );
  return { xact: BigInt(match[1]), seq: BigInt(match[2]) };
}

export function isAfter(a: Position, b: Position): boolean {
  return a.xact > b.xact || (a.xact === b.xact && a.seq > b.seq);
}
