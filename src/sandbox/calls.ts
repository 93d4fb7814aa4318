import { Injectable } from '@nestjs/common';
import { aboutPath } from './faults.js';

export interface LoggedCall {
  at: string;
  method: string;
  /** Without version, for example `/123/messages`. */
  path: string;
  version: string | undefined;
  page_id: string | undefined;
  params: Record<string, unknown>;
  /** Absent while it runs, and when the connection was dropped. */
  status?: number;
  answer?: unknown;
}

const MAX_CALLS = 1_000;
const MAX_BYTES = 64 * 1024;
const secrets = new Set([
  'access_token',
  'appsecret_proof',
  'input_token',
  'sandbox_app_secret',
  'sandbox_verify_token',
]);

/** The last Graph calls, for tests and for the page. */
@Injectable()
export class Calls {
  private readonly calls: LoggedCall[] = [];

  /** Notes a call as it begins; what becomes of it is written into this entry. */
  begin(call: LoggedCall): LoggedCall {
    this.calls.push(call);
    if (this.calls.length > MAX_CALLS) this.calls.shift();
    return call;
  }

  /** Oldest first; only those about a path, and only those refused, where asked. */
  list(path?: string, refused = false): LoggedCall[] {
    return this.calls.filter(
      (call) =>
        (path === undefined || aboutPath(call.path.split('/').slice(1), path)) &&
        (!refused || (call.status ?? 0) >= 400),
    );
  }

  clear(): void {
    this.calls.length = 0;
  }
}

/** Parameters without tokens and secrets; too large ones are left out, so that the log stays small. */
export function loggable(params: Record<string, unknown>, size: number): Record<string, unknown> {
  return size > MAX_BYTES
    ? { omitted: `${size} bytes` }
    : Object.fromEntries(Object.entries(params).filter(([name]) => !secrets.has(name)));
}

/** An answer for the log: listings of pages carry their tokens. */
export function withoutTokens(answer: unknown): unknown {
  return JSON.parse(
    JSON.stringify(answer, (name, value: unknown) => (name === 'access_token' ? undefined : value)),
  );
}
