import { randomBytes } from 'node:crypto';

/** Why Meta refuses a call. Codes and subcodes: Messenger Platform "Error codes" and Graph API "Handling errors". */
export interface Refusal {
  code: number;
  subcode?: number;
  /** Without the `(#code)` prefix, which the envelope adds where Meta has it. */
  message: string;
  transient?: boolean;
}

/** Body of a failed Graph call. */
export interface ErrorEnvelope {
  error: {
    message: string;
    type: string;
    code: number;
    error_subcode?: number;
    is_transient?: boolean;
    fbtrace_id: string;
  };
}

/** A failed Graph call, with the HTTP status it goes out with. */
export class GraphError extends Error {
  constructor(
    readonly refusal: Refusal,
    readonly status: number = statusOf(refusal),
  ) {
    super(refusal.message);
  }

  envelope(): ErrorEnvelope {
    const { code, subcode, message, transient } = this.refusal;
    return {
      error: {
        message,
        type: 'OAuthException',
        code,
        ...(subcode === undefined ? {} : { error_subcode: subcode }),
        ...(transient === undefined ? {} : { is_transient: transient }),
        fbtrace_id: fbtraceId(),
      },
    };
  }
}

/** The usual "(#100) …" refusal of a parameter. */
export function badParam(message: string, subcode?: number): Refusal {
  return { code: 100, subcode, message: `(#100) ${message}` };
}

/** The answer of the sandbox's own switches for something that is not there. */
export function notFound(message: string): GraphError {
  return new GraphError({ code: 100, subcode: 33, message }, 404);
}

export function fbtraceId(): string {
  return `A${randomBytes(16).toString('base64url')}`;
}

/** Meta does not publish statuses; these are the ones seen in reports, and 400 for the rest. */
function statusOf({ code, transient }: Refusal): number {
  if (transient === true || code === 1 || code === 2 || code === -1) return 500;
  if (code >= 200 && code <= 299) return 403;
  return 400;
}
