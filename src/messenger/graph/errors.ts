import type { SendOutcome, SlowDown } from '../../channels/channel.js';
import { reason, type Reason } from '../../content/reason.js';
import { parseJson } from '../json.js';
import { CLASSES, rowOf } from './error-table.js';
import type { GraphAnswer } from './exchange.js';
import { pauseOf, retryAfterOf, usedUpFor } from './usage.js';

/** The `error` object of an answer, as far as it is there. */
interface GraphError {
  code: number | null;
  subcode: number | null;
  message: string;
  transient: boolean | null;
  trace: string | null;
}

/**
 * How a send ended. Decided by subcode and code, then `is_transient`, then the status; never by text, which is localised.
 * @param token the one of the call: some errors repeat it, and reasons are stored and shown.
 */
export function classify(answer: GraphAnswer, token = ''): SendOutcome {
  const body = jsonIn(answer.text);
  const error = errorIn(body, token);
  // Errors with status 200 were seen.
  if (error) return failure(error, answer);
  if (succeeded(answer.status) && body !== null) {
    return { kind: 'accepted', channelMessageId: idIn(body.message_id), ...slowDownOf(answer) };
  }
  return withoutBody(answer);
}

function failure(error: GraphError, answer: GraphAnswer): SendOutcome {
  const row = rowOf(error.code, error.subcode);
  const kind = row?.class ?? (answer.status === 429 ? 'throttled' : 'unknown');
  const treatment = CLASSES[kind];
  const final = kind === 'unknown' && !(error.transient ?? (row !== undefined || passing(answer.status)));
  const action = final ? 'fail' : treatment.action;
  const code = final ? 'CHANNEL_REJECT' : (row?.reason ?? treatment.reason);
  const why = reason(code, describe(error, answer.status), channelCode(error));
  switch (action) {
    case 're-authenticate':
      return { kind: 'unauthorized', reason: why, ...slowDownOf(answer) };
    case 'slow down':
      return throttled(why, answer);
    case 'retry': {
      // What says itself that it will pass is tried as long as it is worth it.
      const tries = error.transient === true ? undefined : (row?.tries ?? treatment.tries);
      return later(why, answer, { tries, uncertain: row?.uncertain });
    }
    case 'person unavailable':
    case 'fail':
      return { kind: 'permanent', reason: why, ...slowDownOf(answer) };
  }
}

/** Gateways answer in HTML; with a status of theirs or of success, Graph may have taken the message. */
function withoutBody(answer: GraphAnswer): SendOutcome {
  const { status } = answer;
  const why = `Messenger: HTTP ${status} without an answer that can be read`;
  if (status === 429) return throttled(reason('RATE_LIMITED', why), answer);
  const uncertain = succeeded(status) || status === 502 || status === 504;
  return later(reason('CHANNEL_FAILURE', why), answer, uncertain ? { uncertain } : {});
}

function throttled(why: Reason, { headers }: GraphAnswer): SendOutcome {
  const after = pauseOf(headers);
  return {
    kind: 'transient',
    reason: why,
    ...(after === undefined ? {} : { after }),
    slowDown: { ms: after ?? null },
  };
}

function later(
  why: Reason,
  answer: GraphAnswer,
  { tries, uncertain }: { tries?: number | undefined; uncertain?: boolean | undefined },
): SendOutcome {
  const after = retryAfterOf(answer.headers);
  return {
    kind: 'transient',
    reason: why,
    ...(after === undefined ? {} : { after }),
    ...(tries === undefined ? {} : { tries }),
    ...(uncertain ? { uncertain } : {}),
    ...slowDownOf(answer),
  };
}

/** An allowance may be used up by a call that went well. */
function slowDownOf({ headers }: GraphAnswer): { slowDown?: SlowDown } {
  const ms = usedUpFor(headers);
  return ms === undefined ? {} : { slowDown: { ms } };
}

function succeeded(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Whether a status alone, without an error that we know, is worth another try. */
function passing(status: number): boolean {
  return status >= 500 || succeeded(status);
}

function describe(error: GraphError, status: number): string {
  const trace = error.trace === null ? '' : ` (fbtrace_id ${error.trace})`;
  return `Messenger: ${error.message || `HTTP ${status}`}${trace}`;
}

function channelCode({ code, subcode }: GraphError): string | undefined {
  if (code === null) return undefined;
  return subcode === null ? String(code) : `${code}/${subcode}`;
}

const LONGEST_MESSAGE = 500;

function errorIn(body: Record<string, unknown> | null, token: string): GraphError | null {
  const error = body?.error;
  if (!error) return null;
  const fields = typeof error === 'object' ? (error as Record<string, unknown>) : { message: error };
  return {
    code: numberIn(fields.code),
    subcode: numberIn(fields.error_subcode),
    message: typeof fields.message === 'string' ? shown(fields.message, token) : '',
    transient: typeof fields.is_transient === 'boolean' ? fields.is_transient : null,
    trace: idIn(fields.fbtrace_id),
  };
}

function shown(message: string, token: string): string {
  const secretless = token === '' ? message : message.replaceAll(token, '[token]');
  return secretless.slice(0, LONGEST_MESSAGE).toWellFormed();
}

function jsonIn(text: string | null): Record<string, unknown> | null {
  try {
    const value = parseJson(text ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function numberIn(value: unknown): number | null {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

function idIn(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}
