import { SPELLINGS, snakeCasePath } from './error.table.js';
import type { Explained } from './explain.js';

/** The Conversation API's error body. Source: Conversation API, error envelope; details by google.rpc. */
export interface ErrorEnvelope {
  error: { code: number; message: string; status: string; details: object[] };
}

export function httpError({ error, httpStatus, requestId }: Explained): ErrorEnvelope {
  const details: object[] = [];
  if (error.fields.length > 0) {
    details.push({
      '@type': 'type.googleapis.com/google.rpc.BadRequest',
      fieldViolations: error.fields.map(({ path, rule, message }) => ({
        field: snakeCasePath(path),
        description: message,
        reason: rule,
      })),
    });
  }
  if (requestId) details.push({ '@type': 'type.googleapis.com/google.rpc.RequestInfo', requestId });
  return {
    error: { code: httpStatus, message: error.message, status: SPELLINGS[error.code].status, details },
  };
}
