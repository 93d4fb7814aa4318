import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SendOutcome } from '../../src/channels/channel.js';
import type { ReasonCode } from '../../src/content/reason.js';
import { classify } from '../../src/messenger/graph/errors.js';
import type { GraphAnswer } from '../../src/messenger/graph/exchange.js';

function answer(error: object, status = 400, headers: GraphAnswer['headers'] = {}): GraphAnswer {
  return { status, headers, text: JSON.stringify({ error }) };
}

type Row = [
  code: number | string,
  subcode: number | undefined,
  kind: SendOutcome['kind'],
  reason: ReasonCode,
];

describe('classify', () => {
  test.each<Row>([
    [-1, undefined, 'transient', 'CHANNEL_FAILURE'],
    [-1, 2534023, 'permanent', 'BAD_REQUEST'],
    [1, 99, 'transient', 'CHANNEL_FAILURE'],
    [1, 2018382, 'permanent', 'BAD_REQUEST'],
    [2, undefined, 'transient', 'CHANNEL_FAILURE'],
    [2, 2018344, 'permanent', 'NO_PERMISSION'],
    [3, undefined, 'permanent', 'NO_PERMISSION'],
    [4, undefined, 'transient', 'RATE_LIMITED'],
    [4, 2018022, 'transient', 'RATE_LIMITED'],
    [4, 2018354, 'permanent', 'RATE_LIMITED'],
    [10, undefined, 'permanent', 'NO_PERMISSION'],
    [10, 2018278, 'permanent', 'OUTSIDE_ALLOWED_SENDING_WINDOW'],
    [10, 2018065, 'permanent', 'OUTSIDE_ALLOWED_SENDING_WINDOW'],
    [10, 2534022, 'permanent', 'OUTSIDE_ALLOWED_SENDING_WINDOW'],
    [10, 2018108, 'permanent', 'RECIPIENT_NOT_REACHABLE'],
    [10, 2018300, 'permanent', 'CHANNEL_REJECT'],
    [10, 2018336, 'permanent', 'DELIVERY_REJECTED_DUE_TO_POLICY'],
    [10, 1404170, 'permanent', 'DELIVERY_REJECTED_DUE_TO_POLICY'],
    [10, 1893015, 'permanent', 'RECIPIENT_NOT_OPTED_IN'],
    [10, 1893063, 'permanent', 'DELIVERY_REJECTED_DUE_TO_POLICY'],
    [10, 2534077, 'unauthorized', 'CHANNEL_BAD_CONFIGURATION'],
    [17, undefined, 'transient', 'RATE_LIMITED'],
    [32, undefined, 'transient', 'RATE_LIMITED'],
    [33, undefined, 'permanent', 'BAD_REQUEST'],
    [36000, undefined, 'permanent', 'MEDIA_TOO_LARGE'],
    [100, undefined, 'permanent', 'BAD_REQUEST'],
    [100, 33, 'permanent', 'BAD_REQUEST'],
    [100, 2018001, 'permanent', 'RECIPIENT_INVALID_CHANNEL_IDENTITY'],
    [100, 2018008, 'transient', 'MEDIA_NOT_REACHABLE'],
    [100, 2018047, 'permanent', 'MEDIA_TYPE_UNSUPPORTED'],
    [100, 2018109, 'permanent', 'MEDIA_TOO_LARGE'],
    [100, 2018218, 'permanent', 'NO_PROFILE_AVAILABLE'],
    [100, 2018294, 'transient', 'MEDIA_NOT_REACHABLE'],
    [100, 2534029, 'permanent', 'DELIVERY_REJECTED_DUE_TO_POLICY'],
    [100, 2534037, 'permanent', 'CHANNEL_REJECT'],
    [102, undefined, 'unauthorized', 'CHANNEL_BAD_CONFIGURATION'],
    [104, undefined, 'unauthorized', 'CHANNEL_BAD_CONFIGURATION'],
    [190, undefined, 'unauthorized', 'CHANNEL_BAD_CONFIGURATION'],
    [190, 460, 'unauthorized', 'CHANNEL_BAD_CONFIGURATION'],
    [190, 1234567, 'unauthorized', 'CHANNEL_BAD_CONFIGURATION'],
    [200, undefined, 'permanent', 'NO_PERMISSION'],
    [200, 1545041, 'permanent', 'RECIPIENT_NOT_REACHABLE'],
    [200, 2018028, 'permanent', 'NO_PERMISSION'],
    [200, 2534041, 'unauthorized', 'CHANNEL_BAD_CONFIGURATION'],
    [210, 123, 'permanent', 'NO_PERMISSION'],
    [299, undefined, 'permanent', 'NO_PERMISSION'],
    [341, undefined, 'transient', 'RATE_LIMITED'],
    [368, undefined, 'permanent', 'DELIVERY_REJECTED_DUE_TO_POLICY'],
    [551, undefined, 'permanent', 'RECIPIENT_NOT_REACHABLE'],
    [551, 1545041, 'permanent', 'RECIPIENT_NOT_REACHABLE'],
    [613, undefined, 'transient', 'RATE_LIMITED'],
    [613, 2534040, 'transient', 'RATE_LIMITED'],
    [613, 1893016, 'permanent', 'BAD_REQUEST'],
    [613, 2018338, 'permanent', 'DELIVERY_REJECTED_DUE_TO_POLICY'],
    [1200, undefined, 'transient', 'CHANNEL_FAILURE'],
    [1200, 2018024, 'transient', 'CHANNEL_FAILURE'],
    [1200, 2018999, 'transient', 'CHANNEL_FAILURE'],
    [2022, undefined, 'permanent', 'DELIVERY_REJECTED_DUE_TO_POLICY'],
    [10900, undefined, 'permanent', 'BAD_REQUEST'],
    [80001, undefined, 'transient', 'RATE_LIMITED'],
    [1609005, undefined, 'transient', 'MEDIA_NOT_REACHABLE'],
    [100, 2018173, 'permanent', 'MEDIA_NOT_REACHABLE'],
    [101, undefined, 'unauthorized', 'CHANNEL_BAD_CONFIGURATION'],
    [9, 2018352, 'transient', 'RATE_LIMITED'],
    [80014, undefined, 'transient', 'RATE_LIMITED'],
    [24001, undefined, 'permanent', 'BAD_REQUEST'],
    [2071012, undefined, 'permanent', 'BAD_REQUEST'],
    [2300001, undefined, 'permanent', 'BAD_REQUEST'],
    // Some lists print a subcode as a code, and some clients saw numbers as strings.
    [2018278, undefined, 'permanent', 'OUTSIDE_ALLOWED_SENDING_WINDOW'],
    [1545041, undefined, 'permanent', 'RECIPIENT_NOT_REACHABLE'],
    ['190', undefined, 'unauthorized', 'CHANNEL_BAD_CONFIGURATION'],
  ])('%s/%s is %s, %s', (code, error_subcode, kind, reason) => {
    const outcome = classify(answer({ message: 'why', code, error_subcode }));
    expect(outcome).toMatchObject({ kind, reason: { code: reason } });
    const channelCode = error_subcode === undefined ? String(code) : `${code}/${error_subcode}`;
    expect(outcome).toMatchObject({ reason: { channel_code: channelCode } });
  });

  test('a reason holds what Meta says and its trace', () => {
    const outcome = classify(
      answer({ message: '(#551) Esta persona no está', code: 551, fbtrace_id: 'AbC' }),
    );
    expect(outcome).toEqual({
      kind: 'permanent',
      reason: {
        code: 'RECIPIENT_NOT_REACHABLE',
        description: 'Messenger: (#551) Esta persona no está (fbtrace_id AbC)',
        sub_code: 'UNSPECIFIED_SUB_CODE',
        channel_code: '551',
      },
    });
  });

  test('a long message is cut, never through an emoji, and shows no token', () => {
    const message = `${'x'.repeat(480)}EAABtoken${'🙂'.repeat(50)}`;
    const outcome = classify(answer({ message, code: 100 }), 'EAABtoken');
    expect((outcome as { reason: { description: string } }).reason.description).toBe(
      `Messenger: ${'x'.repeat(480)}[token]${'🙂'.repeat(6)}\ufffd`,
    );
  });

  test('the numbers count, not the text beside them', () => {
    expect(classify(answer({ message: '(#190) Invalid OAuth access token', code: 2 })).kind).toBe(
      'transient',
    );
    expect(
      classify(answer({ message: '(#551) not available', code: 200, error_subcode: 1545041 })),
    ).toMatchObject({
      reason: { code: 'RECIPIENT_NOT_REACHABLE' },
    });
  });

  test.each<[string, object, number, SendOutcome['kind']]>([
    ['a permanent code with status 500 stays permanent', { code: 100 }, 500, 'permanent'],
    [
      'a permanent code stays permanent whatever is_transient says',
      { code: 100, is_transient: true },
      400,
      'permanent',
    ],
    ['an unknown error that says it is final is final', { code: 1, is_transient: false }, 500, 'permanent'],
    ['an unlisted code follows is_transient', { code: 777, is_transient: true }, 400, 'transient'],
    ['an unlisted code that says it is final is final', { code: 777, is_transient: false }, 500, 'permanent'],
    ['an unlisted code follows the status: 500', { code: 777 }, 500, 'transient'],
    ['an unlisted code follows the status: 429', { code: 777 }, 429, 'transient'],
    ['an unlisted code follows the status: 400', { code: 777 }, 400, 'permanent'],
    ['an error without code follows the status', { message: '(#210) User not visible' }, 400, 'permanent'],
    ['an error with status 200 is an error', { code: 551 }, 200, 'permanent'],
  ])('%s', (_sentence, error, status, kind) => {
    expect(classify(answer(error, status)).kind).toBe(kind);
  });

  test('an error that is a mere text is an error', () => {
    const outcome = classify({ status: 400, headers: {}, text: '{"error":"invalid_request"}' });
    expect(outcome).toMatchObject({
      kind: 'permanent',
      reason: { description: 'Messenger: invalid_request' },
    });
  });

  test('a batch error after which the message may have gone out is uncertain', () => {
    expect(classify(answer({ code: 1, error_subcode: 1357046 }))).toMatchObject({
      kind: 'transient',
      uncertain: true,
    });
  });

  test.each<[string, number, string | null, object]>([
    [
      'a message id',
      200,
      '{"recipient_id":"1","message_id":"m_1"}',
      { kind: 'accepted', channelMessageId: 'm_1' },
    ],
    ['no message id', 200, '{"recipient_id":"1"}', { kind: 'accepted', channelMessageId: null }],
    ['a null error', 200, '{"message_id":"m_1","error":null}', { kind: 'accepted', channelMessageId: 'm_1' }],
    ['HTML of a gateway', 503, '<html>', { kind: 'transient', reason: { code: 'CHANNEL_FAILURE' } }],
    ['an empty body', 500, '', { kind: 'transient' }],
    ['a truncated error', 400, '{"error":{"code":19', { kind: 'transient' }],
    ['status 429 without error', 429, '', { kind: 'transient', reason: { code: 'RATE_LIMITED' } }],
    ['HTML that hides an answer', 502, '<html>', { kind: 'transient', uncertain: true }],
    ['success cut short', 200, '{"message_id":"m_', { kind: 'transient', uncertain: true }],
    ['success too long to read', 200, null, { kind: 'transient', uncertain: true }],
    ['success that is no object', 200, '[]', { kind: 'transient', uncertain: true }],
  ])('an answer with %s', (_what, status, text, expected) => {
    const outcome = classify({ status, headers: {}, text });
    expect(outcome).toMatchObject(expected);
    expect('uncertain' in outcome).toBe('uncertain' in expected);
  });

  test.each<[string, GraphAnswer['headers'], number | undefined]>([
    ['nothing', {}, undefined],
    ['Retry-After in seconds', { 'retry-after': '30' }, 30_000],
    ['an app half used', { 'x-app-usage': '{"call_count":50,"total_time":99,"total_cputime":1}' }, undefined],
    ['an app used up', { 'x-app-usage': '{"call_count":1,"total_time":208,"total_cputime":1}' }, 300_000],
    ['a page used up', { 'x-page-usage': '{"call_count":100}' }, 300_000],
    [
      'a time to regain access',
      {
        'x-business-use-case-usage':
          '{"39":[{"type":"messenger","call_count":100,"estimated_time_to_regain_access":19}]}',
      },
      19 * 60_000,
    ],
    ['several, the longest', { 'retry-after': '3600', 'x-page-usage': '{"call_count":100}' }, 3_600_000],
    ['more than a day', { 'retry-after': '9999999' }, 86_400_000],
    ['a date gone by', { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, undefined],
    ['what cannot be read', { 'retry-after': 'soon', 'x-app-usage': '{"call' }, undefined],
  ])('headers that say %s', (_what, headers, after) => {
    expect(classify(answer({ code: 613 }, 400, headers)).slowDown).toEqual({ ms: after ?? null });
  });

  test('Retry-After may be a date', () => {
    const until = new Date(Date.now() + 60_000).toUTCString();
    const ms = classify(answer({ code: 4 }, 400, { 'retry-after': until })).slowDown?.ms;
    expect(ms).toBeGreaterThan(55_000);
    expect(ms).toBeLessThanOrEqual(60_000);
  });

  test('an allowance that is used up slows the page down, however the call ended', () => {
    const headers = { 'x-page-usage': '{"call_count":100}' };
    const slowDown = { ms: 300_000 };
    expect(classify({ status: 200, headers, text: '{"message_id":"m_1"}' })).toMatchObject({
      kind: 'accepted',
      slowDown,
    });
    expect(classify(answer({ code: 551 }, 400, headers))).toMatchObject({ kind: 'permanent', slowDown });
    expect(classify(answer({ code: 190 }, 400, headers))).toMatchObject({ kind: 'unauthorized', slowDown });
    expect(classify(answer({ code: 2 }, 500, headers))).toMatchObject({ kind: 'transient', slowDown });
    expect(classify({ status: 503, headers, text: '' })).toMatchObject({ kind: 'transient', slowDown });
  });

  test('only an error of the rate, or headers that say so, slow the page down', () => {
    expect(classify(answer({ code: 2 }, 500, { 'retry-after': '30' }))).toEqual(
      expect.objectContaining({ kind: 'transient', after: 30_000 }),
    );
    expect(classify(answer({ code: 2 }, 500, { 'retry-after': '30' })).slowDown).toBeUndefined();
    expect(classify({ status: 200, headers: {}, text: '{"message_id":"m_1"}' }).slowDown).toBeUndefined();
    expect(classify({ status: 429, headers: { 'retry-after': '7' }, text: '' })).toMatchObject({
      slowDown: { ms: 7_000 },
    });
    expect(classify(answer({ code: 777 }, 429))).toMatchObject({ kind: 'transient', slowDown: { ms: null } });
  });

  test.each<[string, object, number, number | undefined]>([
    ['a service failure', { code: 2 }, 500, undefined],
    ['an unknown error', { code: 1 }, 500, 6],
    ['an unknown error that says it will pass', { code: 1, is_transient: true }, 500, undefined],
    ['an error nobody explained', { code: 777 }, 500, 6],
    ['a file that Meta could not fetch', { code: 100, error_subcode: 2018008 }, 400, 3],
    ['an error after which the message may have gone out', { code: 1, error_subcode: 1357046 }, 400, 2],
    ['a rate limit', { code: 613 }, 400, undefined],
  ])('how often %s is tried', (_what, error, status, tries) => {
    const outcome = classify(answer(error, status));
    expect(outcome.kind).toBe('transient');
    expect((outcome as { tries?: number }).tries).toBe(tries);
  });
});

/** Real error bodies, where they lie beside the checkout; they are not ours to copy. */
const CORPUS = join(import.meta.dirname, '../../../shared/fixtures/graph-errors');

const EXPECTED: [prefix: RegExp, kind: SendOutcome['kind'], reasons: ReasonCode[]][] = [
  [/^token-/, 'unauthorized', ['CHANNEL_BAD_CONFIGURATION']],
  [/^(transient-service|send-failure-generic|unknown-0[12])/, 'transient', ['CHANNEL_FAILURE']],
  [/^rate-limit-(app|custom)/, 'transient', ['RATE_LIMITED']],
  [/^outside-window/, 'permanent', ['OUTSIDE_ALLOWED_SENDING_WINDOW']],
  [/^recipient-/, 'permanent', ['RECIPIENT_NOT_REACHABLE']],
  // Old reports lack the subcode, and the text is not read.
  [/^no-matching-user/, 'permanent', ['RECIPIENT_INVALID_CHANNEL_IDENTITY', 'BAD_REQUEST']],
  [/^(permission|onboarding|app-not-reviewed|terms-not|region-restricted)/, 'permanent', ['NO_PERMISSION']],
  [/^media-attachment/, 'permanent', ['BAD_REQUEST']],
  [/^media-(fetch-failed|video-timeout)/, 'transient', ['MEDIA_NOT_REACHABLE']],
  [/^media-/, 'permanent', ['MEDIA_NOT_REACHABLE', 'MEDIA_TOO_LARGE', 'MEDIA_TYPE_UNSUPPORTED']],
  [
    /^(account-blocked|policy-blocked|rate-limit-tags|marketing-restricted)/,
    'permanent',
    ['DELIVERY_REJECTED_DUE_TO_POLICY'],
  ],
  [/^marketing-/, 'permanent', ['RATE_LIMITED', 'RECIPIENT_NOT_OPTED_IN']],
  [/^thread-control/, 'permanent', ['CHANNEL_REJECT']],
  [/^profile-unavailable/, 'permanent', ['NO_PROFILE_AVAILABLE']],
  [/^(unclassified|unknown-03|whatsapp)/, 'permanent', ['CHANNEL_REJECT']],
  [/^(bad-path|config|invalid|object|private-reply|product)/, 'permanent', ['BAD_REQUEST']],
];

test.skipIf(!existsSync(CORPUS))(
  'every error of the shared corpus ends as expected (skipped where it is not beside the checkout)',
  () => {
    const files = readdirSync(CORPUS).filter((file) => file.endsWith('.json'));
    expect(files.length).toBeGreaterThan(50);
    const unexpected = files.flatMap((file) => {
      const [, kind, reasons] = EXPECTED.find(([prefix]) => prefix.test(file)) ?? [];
      const outcome = classify({ status: 400, headers: {}, text: readFileSync(join(CORPUS, file), 'utf8') });
      const fits =
        outcome.kind !== 'accepted' && outcome.kind === kind && reasons?.includes(outcome.reason.code);
      return fits ? [] : [{ file, outcome }];
    });
    expect(unexpected).toEqual([]);
  },
);
