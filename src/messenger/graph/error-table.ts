import type { ReasonCode } from '../../content/reason.js';

/** What an error of Graph leads to. */
export type Action = 'retry' | 'slow down' | 'person unavailable' | 're-authenticate' | 'fail';

/** Source of the classes: messenger-platform/error-codes, by what can be done about them. */
export type ErrorClass =
  | 'transient'
  | 'throttled'
  | 'window'
  | 'recipient'
  | 'auth'
  | 'permission'
  | 'invalid'
  | 'fetch'
  | 'media'
  | 'policy'
  | 'routing'
  | 'unknown';

interface Treatment {
  action: Action;
  /** Unless a number has one of its own. */
  reason: ReasonCode;
  /** So many in all; without it, within the message's time to live. */
  tries?: number;
}

export const CLASSES: Readonly<Record<ErrorClass, Treatment>> = {
  transient: { action: 'retry', reason: 'CHANNEL_FAILURE' },
  // May hide something final, such as a permission that is missing.
  unknown: { action: 'retry', reason: 'CHANNEL_FAILURE', tries: 6 },
  // Meta could not fetch a file of ours: its host may have been slow.
  fetch: { action: 'retry', reason: 'MEDIA_NOT_REACHABLE', tries: 3 },
  throttled: { action: 'slow down', reason: 'RATE_LIMITED' },
  recipient: { action: 'person unavailable', reason: 'RECIPIENT_NOT_REACHABLE' },
  auth: { action: 're-authenticate', reason: 'CHANNEL_BAD_CONFIGURATION' },
  window: { action: 'fail', reason: 'OUTSIDE_ALLOWED_SENDING_WINDOW' },
  permission: { action: 'fail', reason: 'NO_PERMISSION' },
  invalid: { action: 'fail', reason: 'BAD_REQUEST' },
  media: { action: 'fail', reason: 'MEDIA_NOT_REACHABLE' },
  policy: { action: 'fail', reason: 'DELIVERY_REJECTED_DUE_TO_POLICY' },
  routing: { action: 'fail', reason: 'CHANNEL_REJECT' },
};

export interface Row {
  /** First and last number, for both codes and subcodes: lists print one as the other. */
  numbers: (number | readonly [first: number, last: number])[];
  class: ErrorClass;
  reason?: ReasonCode;
  tries?: number;
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
  { numbers: [2018008, 2018294, 1609005], class: 'fetch' },
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
      // Of Messenger Extensions in the browser, and of payments: not about sends.
      2018154,
      2018163,
      2018166,
      [2071010, 2071025],
      24001,
      24002,
      24005,
    ],
    class: 'invalid',
  },
  // Once more at the most, and not before the echo has had its time.
  { numbers: [1357046], class: 'unknown', tries: 2, uncertain: true },
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

/** Undefined for numbers that nobody has explained. */
export function rowOf(code: number | null, subcode: number | null): Row | undefined {
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
