// Real errors of Graph, where they lie beside the checkout (`<repository>/../shared/fixtures`), each through the whole way of a send.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReasonCode } from '../../src/content/reason.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { startTestGraph, taken, type TestGraph } from '../support/graph.js';
import { newPsid, type TestPage } from '../support/messenger.js';
import { connectTo, Sending } from '../support/sending.js';

const FOLDER = join(import.meta.dirname, '../../../shared/fixtures/graph-errors');

/**
 * What a message that meets the error comes to when it does so every time: FAILED with a reason; `passes`: tried again as long as it
 * lives; `slows`: the same, and the page rests; `tries`: FAILED after so many calls; `reauth`: FAILED, and the channel wants a token.
 */
interface End {
  reason?: ReasonCode;
  passes?: true;
  slows?: true;
  reauth?: true;
  tries?: number;
}

/** By the kind that the index of the corpus names. */
const ENDS: Record<string, End> = {
  account_blocked: { reason: 'DELIVERY_REJECTED_DUE_TO_POLICY' },
  app_not_reviewed: { reason: 'NO_PERMISSION' },
  bad_path: { reason: 'BAD_REQUEST' },
  config_app_id: { reason: 'BAD_REQUEST' },
  invalid_param: { reason: 'BAD_REQUEST' },
  invalid_param_combination: { reason: 'BAD_REQUEST' },
  invalid_param_text_length: { reason: 'BAD_REQUEST' },
  marketing_frequency: { reason: 'RATE_LIMITED' },
  marketing_restricted: { reason: 'DELIVERY_REJECTED_DUE_TO_POLICY' },
  marketing_stopped_by_user: { reason: 'RECIPIENT_NOT_OPTED_IN' },
  media_attachment_not_owned: { reason: 'BAD_REQUEST' },
  media_fetch_failed: { reason: 'MEDIA_NOT_REACHABLE', tries: 3 },
  media_too_large: { reason: 'MEDIA_TOO_LARGE' },
  media_upload_failed: { reason: 'MEDIA_TYPE_UNSUPPORTED' },
  media_video_timeout: { reason: 'MEDIA_NOT_REACHABLE', tries: 3 },
  // Reports without a subcode cannot be told from other bad parameters: the text, which is localised, is not read.
  no_matching_user: { reason: 'BAD_REQUEST' },
  object_not_found: { reason: 'BAD_REQUEST' },
  onboarding_permission: { reason: 'NO_PERMISSION' },
  outside_window: { reason: 'OUTSIDE_ALLOWED_SENDING_WINDOW' },
  outside_window_instagram: { reason: 'OUTSIDE_ALLOWED_SENDING_WINDOW' },
  outside_window_legacy_subscription: { reason: 'OUTSIDE_ALLOWED_SENDING_WINDOW' },
  permission: { reason: 'NO_PERMISSION' },
  permission_phone: { reason: 'NO_PERMISSION' },
  permission_phone_fee: { reason: 'NO_PERMISSION' },
  policy_blocked: { reason: 'DELIVERY_REJECTED_DUE_TO_POLICY' },
  private_reply_already_sent: { reason: 'BAD_REQUEST' },
  product_invalid: { reason: 'BAD_REQUEST' },
  profile_unavailable: { reason: 'NO_PROFILE_AVAILABLE' },
  rate_limit_app: { slows: true },
  rate_limit_custom: { slows: true },
  rate_limit_tags_abuse: { reason: 'DELIVERY_REJECTED_DUE_TO_POLICY' },
  recipient_blocked: { reason: 'RECIPIENT_NOT_REACHABLE' },
  recipient_unavailable: { reason: 'RECIPIENT_NOT_REACHABLE' },
  region_restricted: { reason: 'NO_PERMISSION' },
  send_failure_generic: { passes: true },
  terms_not_accepted: { reason: 'NO_PERMISSION' },
  thread_control: { reason: 'CHANNEL_REJECT' },
  token_app_deauthorized: { reason: 'CHANNEL_BAD_CONFIGURATION', reauth: true },
  token_error: { reason: 'CHANNEL_BAD_CONFIGURATION', reauth: true },
  token_invalidated: { reason: 'CHANNEL_BAD_CONFIGURATION', reauth: true },
  transient_service: { passes: true },
  unclassified: { reason: 'CHANNEL_REJECT' },
  // A few tries.
  unknown: { passes: true },
  whatsapp_invalid_param: { reason: 'CHANNEL_REJECT' },
};

/** Files whose numbers tell more than their kind. */
const SPECIAL: Record<string, End> = {
  'no-matching-user-01.json': { reason: 'RECIPIENT_INVALID_CHANNEL_IDENTITY' },
  // May have gone out: once more when no echo comes, not blindly again and again.
  'unknown-02.json': { reason: 'CHANNEL_FAILURE', tries: 2 },
  // Says of itself that it will not pass.
  'unknown-03.json': { reason: 'CHANNEL_REJECT' },
};

interface Fixture {
  file: string;
  kind: string;
  http_status?: number;
}

const fixtures: Fixture[] = existsSync(FOLDER)
  ? readFileSync(join(FOLDER, 'INDEX.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Fixture)
  : [];

describe.skipIf(fixtures.length === 0)(
  'every Graph error of the shared corpus (skipped where it is not beside the checkout)',
  () => {
    let app: TestApp;
    let graph: TestGraph;
    let sending: Sending;

    beforeAll(async () => {
      graph = await startTestGraph();
      app = await startTestApp({ GRAPH_API_URL: graph.url });
      sending = new Sending(app);
    });
    afterAll(async () => {
      await app.stop();
      await graph.stop();
    });

    test('the corpus is read whole, and every kind has its end', () => {
      const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
      expect(fixtures.map(({ file }) => file).sort()).toEqual(files.sort());
      expect(fixtures.map(({ kind }) => kind).filter((kind) => !(kind in ENDS))).toEqual([]);
    });

    test('each error ends in the documented state', async () => {
      // By page, for many run at the same time.
      const errors = new Map<string, { status: number; body: unknown }>();
      graph.answer = (call) => errors.get(call.pageId) ?? taken(call);
      const walked = await Promise.all(
        fixtures.map(async ({ file, kind, http_status = 400 }) => {
          const page = await connectTo(app);
          errors.set(page.pageId, {
            status: http_status,
            body: JSON.parse(readFileSync(join(FOLDER, file), 'utf8')),
          });
          const end = SPECIAL[file] ?? ENDS[kind] ?? {};
          return { file, expected: end, found: await endOf(page, end, () => errors.delete(page.pageId)) };
        }),
      );
      expect(walked.map(({ file, found }) => ({ file, ...found }))).toEqual(
        walked.map(({ file, expected }) => ({ file, ...expected })),
      );
    });

    /** Sends, and tells what became of it in the words of `End`. */
    async function endOf(page: TestPage, expected: End, heal: () => void): Promise<End> {
      const calls = (): number => graph.sends.filter(({ pageId }) => pageId === page.pageId).length;
      const id = await sending.send(page, newPsid(), 'walks');
      if (expected.passes || expected.slows) {
        await eventually(() => calls() >= 2, `another try of ${JSON.stringify(expected)}`);
        const paused = await sending.query('SELECT FROM channel_pauses WHERE app_id = $1', [page.appId]);
        heal();
        await sending.reaches(id, 'QUEUED_ON_CHANNEL', 90_000);
        return paused.length > 0 ? { slows: true } : { passes: true };
      }
      const { reason } = await sending.reaches(id, 'FAILED', 90_000);
      const [channel] = await sending.query('SELECT state FROM channels WHERE app_id = $1', [page.appId]);
      return {
        reason: reason?.code as ReasonCode,
        ...((channel as { state: string }).state === 'NEEDS_REAUTH' ? { reauth: true as const } : {}),
        ...(calls() > 1 ? { tries: calls() } : {}),
      };
    }
  },
);
