import type { SendOutcome } from '../../channels/channel.js';
import { reason, type Reason, type ReasonCode } from '../../content/reason.js';
import { parseJson } from '../json.js';
import type { GraphAnswer } from './exchange.js';
import { pauseOf } from './usage.js';

/** What to do about an error, whatever its number. */
export type ErrorClass =
  | 'transient'
  | 'throttled'
  | 'window'
  | 'recipient'
  | 'auth'
  | 'permission'
  | 'invalid'
  | 'media'
  | 'policy'
  | 'routing'
  | 'unknown';

/** The reason of a class, unless a number has one of its own. */
const REASONS: Record<ErrorClass, ReasonCode> = {
  transient: 'CHANNEL_FAILURE',
  throttled: 'RATE_LIMITED',
  window: 'OUTSIDE_ALLOWED_SENDING_WINDOW',
  recipient: 'RECIPIENT_NOT_REACHABLE',
  auth: 'CHANNEL_BAD_CONFIGURATION',
  permission: 'NO_PERMISSION',
  invalid: 'BAD_REQUEST',
  media: 'MEDIA_NOT_REACHABLE',
  policy: 'DELIVERY_REJECTED_DUE_TO_POLICY',
  routing: 'CHANNEL_REJECT',
  unknown: 'CHANNEL_FAILURE',
};

interface Row {
  /** First and last number, for both codes and subcodes: lists print one as the other. */
  numbers: (number | readonly [first: number, last: number])[];
  class: ErrorClass;
  reason?: ReasonCode;
  /** The message may have gone out all the same. */
  uncertain?: true;
}

/**
 * Every number that Meta or public reports explain. A subcode decides before its code; where rows overlap, the first does.
 * Sources: messenger-platform/error-codes (2026-06-25), graph-api/guides/error-handling, and issues in public trackers.
 */
const ROWS: readonly Row[] = [
  // Subcodes, and codes as large: each number means one thing.
  { numbers: [2018278, 2018065, 2534022], class: 'window' },
  { numbers: [2018001], class: 'recipient', reason: 'RECIPIENT_INVALID_CHANNEL_IDENTITY' },
  { numbers: [1545041, 2018108], class: 'recipient' },
  { numbers: [1893015], class: 'recipient', reason: 'RECIPIENT_NOT_OPTED_IN' },
  { numbers: [2018300, 2018321, 2534037, 2018171, 2018234], class: 'routing' },
  { numbers: [2018336, 1404170, 1893063, 2534029, 2018338], class: 'policy' },
  { numbers: [2534077, 2534041], class: 'auth' },
  { numbers: [2018344, 2018021, 2018027, 2018028, 2018247, 36103], class: 'permission' },
  { numbers: [2018022, 2018352, 2534040, 2018144], class: 'throttled' },
  { numbers: [2018008, 2018294, 1609005], class: 'media' },
  { numbers: [2018047, 2018182], class: 'media', reason: 'MEDIA_TYPE_UNSUPPORTED' },
  { numbers: [2018109, 36000], class: 'media', reason: 'MEDIA_TOO_LARGE' },
  { numbers: [2018173, 2018175, 2018186], class: 'media' },
  { numbers: [2018354], class: 'invalid', reason: 'RATE_LIMITED' },
  { numbers: [2018218], class: 'invalid', reason: 'NO_PROFILE_AVAILABLE' },
  { numbers: [2018048], class: 'invalid', reason: 'CHANNEL_REJECT' },
  {
    numbers: [
      2018014,
      2018034,
      2018074,
      2018145,
      2018164,
      2018320,
      2018327,
      2018328,
      2018382,
      [2018183, 2018185],
      2018187,
      2018188,
      1893016,
      2534013,
      2534014,
      2534015,
      2534023,
      2534025,
      10303,
      10900,
      10903,
      9000001,
      [2018389, 2018396],
      [2300000, 2399999],
    ],
    class: 'invalid',
  },
  { numbers: [1357046], class: 'unknown', uncertain: true },
  { numbers: [2018024], class: 'transient' },
  // Codes.
  { numbers: [-1, 2, 1200], class: 'transient' },
  { numbers: [1], class: 'unknown' },
  { numbers: [4, 9, 17, 32, 341, 613, [80000, 80014]], class: 'throttled' },
  { numbers: [101, 102, 104, 190], class: 'auth' },
  { numbers: [3, 10, [200, 299]], class: 'permission' },
  { numbers: [551], class: 'recipient' },
  { numbers: [368, 2022], class: 'policy' },
  { numbers: [33, 100, 506, 803, 2500], class: 'invalid' },
];

/** Below this a subcode is a detail of its code and would be taken for a code of the same number. */
const FIRST_OWN_SUBCODE = 1000;

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
    return { kind: 'accepted', channelMessageId: idIn(body.message_id) };
  }
  return withoutBody(answer);
}

function failure(error: GraphError, answer: GraphAnswer): SendOutcome {
  const row = rowOf(error);
  const kind = row?.class ?? 'unknown';
  const retry = row ? retried(row.class, error) : (error.transient ?? passing(answer.status));
  const code = row?.reason ?? (kind === 'unknown' && !retry ? 'CHANNEL_REJECT' : REASONS[kind]);
  const why = reason(code, describe(error, answer.status), channelCode(error));
  if (kind === 'auth') return { kind: 'unauthorized', reason: why };
  return retry ? later(why, answer, row?.uncertain === true) : { kind: 'permanent', reason: why };
}

function retried(kind: ErrorClass, error: GraphError): boolean {
  return kind === 'transient' || kind === 'throttled' || (kind === 'unknown' && error.transient !== false);
}

/** Gateways answer in HTML; with a status of theirs or of success, Graph may have taken the message. */
function withoutBody(answer: GraphAnswer): SendOutcome {
  const { status } = answer;
  const code = status === 429 ? 'RATE_LIMITED' : 'CHANNEL_FAILURE';
  const why = reason(code, `Messenger: HTTP ${status} without an answer that can be read`);
  return later(why, answer, succeeded(status) || status === 502 || status === 504);
}

function later(why: Reason, answer: GraphAnswer, uncertain: boolean): SendOutcome {
  const after = pauseOf(answer.headers);
  return {
    kind: 'transient',
    reason: why,
    ...(after === undefined ? {} : { after }),
    ...(uncertain ? { uncertain } : {}),
  };
}

function succeeded(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Whether a status alone, without an error that we know, is worth another try. */
function passing(status: number): boolean {
  return status >= 500 || status === 429 || succeeded(status);
}

function rowOf({ code, subcode }: GraphError): Row | undefined {
  const bySubcode = subcode !== null && subcode >= FIRST_OWN_SUBCODE ? rowWith(subcode) : undefined;
  return bySubcode ?? (code === null ? undefined : rowWith(code));
}

function rowWith(number: number): Row | undefined {
  return ROWS.find(({ numbers }) =>
    numbers.some((entry) =>
      typeof entry === 'number' ? entry === number : entry[0] <= number && number <= entry[1],
    ),
  );
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
