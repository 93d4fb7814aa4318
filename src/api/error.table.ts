import { status as Grpc } from '@grpc/grpc-js';
import type { ErrorCode } from '../errors.js';
import { snakeName } from '../wire/names.js';

/** How each face says it. */
interface Spelling {
  /** HTTP status. */
  http: number;
  /** `error.status` of the Conversation API's envelope. Source: Conversation API, error codes. */
  status: string;
  /** `extensions.code` of a GraphQL error. */
  graphql: string;
  grpc: Grpc;
}

export const SPELLINGS: Readonly<Record<ErrorCode, Spelling>> = {
  INVALID_ARGUMENT: {
    http: 400,
    status: 'INVALID_ARGUMENT',
    graphql: 'BAD_USER_INPUT',
    grpc: Grpc.INVALID_ARGUMENT,
  },
  UNAUTHENTICATED: {
    http: 401,
    status: 'UNAUTHENTICATED',
    graphql: 'UNAUTHENTICATED',
    grpc: Grpc.UNAUTHENTICATED,
  },
  PERMISSION_DENIED: {
    http: 403,
    status: 'UNAUTHORIZED',
    graphql: 'FORBIDDEN',
    grpc: Grpc.PERMISSION_DENIED,
  },
  NOT_FOUND: { http: 404, status: 'NOT_FOUND', graphql: 'NOT_FOUND', grpc: Grpc.NOT_FOUND },
  ALREADY_EXISTS: { http: 409, status: 'ALREADY_EXISTS', graphql: 'CONFLICT', grpc: Grpc.ALREADY_EXISTS },
  FAILED_PRECONDITION: {
    http: 400,
    status: 'FAILED_PRECONDITION',
    graphql: 'FAILED_PRECONDITION',
    grpc: Grpc.FAILED_PRECONDITION,
  },
  OUT_OF_RANGE: { http: 400, status: 'OUT_OF_RANGE', graphql: 'BAD_USER_INPUT', grpc: Grpc.OUT_OF_RANGE },
  RESOURCE_EXHAUSTED: {
    http: 429,
    status: 'RESOURCE_EXHAUSTED',
    graphql: 'RESOURCE_EXHAUSTED',
    grpc: Grpc.RESOURCE_EXHAUSTED,
  },
  UNAVAILABLE: { http: 503, status: 'UNAVAILABLE', graphql: 'UNAVAILABLE', grpc: Grpc.UNAVAILABLE },
  DEADLINE_EXCEEDED: {
    http: 504,
    status: 'DEADLINE_EXCEEDED',
    graphql: 'DEADLINE_EXCEEDED',
    grpc: Grpc.DEADLINE_EXCEEDED,
  },
  CANCELLED: { http: 499, status: 'CANCELLED', graphql: 'CANCELLED', grpc: Grpc.CANCELLED },
  UNIMPLEMENTED: {
    http: 501,
    status: 'UNIMPLEMENTED',
    graphql: 'UNIMPLEMENTED',
    grpc: Grpc.UNIMPLEMENTED,
  },
  INTERNAL: { http: 500, status: 'INTERNAL_ERROR', graphql: 'INTERNAL', grpc: Grpc.INTERNAL },
};

/** A field path (`message.textMessage.text`) in the spelling of HTTP and gRPC; keys of maps keep theirs. */
export function snakeCasePath(path: string): string {
  return path.replace(/(?<![\w-])[a-z]\w*/g, snakeName);
}
