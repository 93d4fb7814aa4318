import { Injectable } from '@nestjs/common';
import { performance } from 'node:perf_hooks';
import { newId } from '../ids.js';
import { GuardedAgent, type OutboundAnswer } from '../outbound/guarded-agent.js';
import { OutboundError } from '../outbound/outbound-error.js';
import { TargetTokens } from './client-credentials.js';
import { Clock } from './clock.js';
import { signatureHeaders } from './signature.js';
import { secretsAt, type Target } from './target.js';

/** For all of an attempt. */
const TIMEOUT_MS = 15_000;
const READ_LIMIT = 16 * 1024;
/** Bytes of the answer that are kept. */
const KEPT = 1_024;

/** Where a callback goes, and what it carries with it. */
export type PostTarget = Pick<Target, 'url' | 'secret' | 'previous' | 'credentials'>;

/** What came of an attempt: an answer, or why there was none. */
export type Answer = { at: Date; durationMs: number } & (
  | { kind: 'answered'; status: number; retryAfter: string | undefined; head: string }
  | { kind: 'unreachable'; error: string }
);

/** Makes one attempt at one delivery: signs the body and posts it. */
@Injectable()
export class CallbackPoster {
  private readonly tokens: TargetTokens;

  constructor(
    private readonly agent: GuardedAgent,
    private readonly clock: Clock,
  ) {
    this.tokens = new TargetTokens(agent);
  }

  /** @throws whatever `signal` was aborted with when it was; every other failure is an answer. */
  async post(target: PostTarget, eventId: string, body: string, signal?: AbortSignal): Promise<Answer> {
    const at = this.clock.now();
    const started = performance.now();
    const durationMs = (): number => Math.round(performance.now() - started);
    try {
      const {
        status,
        headers,
        body: bytes,
      } = await this.authorized(target, (authorization) =>
        this.agent.call({
          method: 'POST',
          url: target.url,
          headers: {
            'content-type': 'application/json',
            ...authorization,
            ...signatureHeaders(secretsAt(target, at), { eventId, body, nonce: newId(), at }),
          },
          body,
          timeout: Math.max(TIMEOUT_MS - durationMs(), 1),
          limit: READ_LIMIT,
          signal,
        }),
      );
      const retryAfter = [headers['retry-after']].flat()[0];
      return { at, durationMs: durationMs(), kind: 'answered', status, retryAfter, head: headOf(bytes) };
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      return { at, durationMs: durationMs(), kind: 'unreachable', error: storable(error.message) };
    }
  }

  /** With a bearer token where the target asks for one; a token that the target has tired of is replaced once. */
  private async authorized(
    { credentials }: PostTarget,
    call: (headers: Record<string, string>) => Promise<OutboundAnswer>,
  ): Promise<OutboundAnswer> {
    if (!credentials) return call({});
    const bearer = async (): Promise<OutboundAnswer> =>
      call({ authorization: `Bearer ${await this.tokens.get(credentials)}` });
    const answer = await bearer();
    return answer.status === 401 && this.tokens.renew(credentials) ? bearer() : answer;
  }
}

function headOf(bytes: Buffer): string {
  return storable(new TextDecoder().decode(bytes.subarray(0, KEPT), { stream: true }));
}

/** Texts of others as Postgres can store them: bounded, without NUL and half characters. */
function storable(text: string): string {
  return text.slice(0, KEPT).replaceAll('\0', '').toWellFormed();
}
