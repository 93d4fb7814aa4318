import { HttpException, Logger } from '@nestjs/common';
import { isDatabaseAway } from '../database/availability.js';
import { isOutdatedPlan } from '../database/prepared.js';
import { DomainError, type ErrorCode } from '../errors.js';
import { newId } from '../ids.js';
import { SPELLINGS } from './error.table.js';

/** An error as a caller may see it. */
export interface Explained {
  error: DomainError;
  /** Finer than the code's own where the framework said so, e.g. 413. */
  httpStatus: number;
  /** Of an internal error: what finds it in the log. */
  requestId?: string;
}

const CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ALREADY_EXISTS',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

const logger = new Logger('Errors');

/** Whatever was thrown, made presentable. What nobody foresaw is logged, and the caller learns only its request id. */
export function explain(thrown: unknown, requestId: string = newId()): Explained {
  const known = knownError(thrown);
  if (known) return known;
  const { name, message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown));
  // Only these: a query's error also carries its parameters, which are people's messages.
  logger.error({ msg: 'internal error', requestId, error: { name, message, stack } });
  const error = new DomainError('INTERNAL', `internal error; the log has more under request id ${requestId}`);
  return { error, httpStatus: SPELLINGS.INTERNAL.http, requestId };
}

function knownError(thrown: unknown): Explained | null {
  if (thrown instanceof DomainError) return { error: thrown, httpStatus: SPELLINGS[thrown.code].http };
  if (thrown instanceof HttpException) return fromHttp(thrown.getStatus(), thrown.message);
  if (isDatabaseAway(thrown)) {
    return fromHttp(503, 'the database cannot be reached right now; try again');
  }
  if (isOutdatedPlan(thrown)) return fromHttp(503, 'the database has just been migrated; try again');
  // Body parsers and other middleware throw errors of the http-errors kind.
  const { status, expose, message } = (thrown ?? {}) as Partial<{
    status: unknown;
    expose: unknown;
    message: unknown;
  }>;
  if (typeof status === 'number' && expose === true) return fromHttp(status, String(message));
  return null;
}

function fromHttp(httpStatus: number, message: string): Explained | null {
  const code = CODES[httpStatus] ?? (httpStatus < 500 ? 'INVALID_ARGUMENT' : null);
  return code && { error: new DomainError(code, message), httpStatus };
}
