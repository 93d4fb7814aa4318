/** Canonical error codes (google.rpc.Code names, AIP-193) that a service may throw; `api/error.filter.ts` maps them for every face. */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'FAILED_PRECONDITION'
  | 'OUT_OF_RANGE'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED'
  | 'CANCELLED'
  | 'UNIMPLEMENTED'
  | 'INTERNAL';

/** One broken rule of an input: where (`message.textMessage.text`), which rule (`maxLength`), and what to do about it. */
export interface FieldViolation {
  path: string;
  rule: string;
  message: string;
}

/** The one error that services throw. Its message is for the caller and never holds internals or secrets. */
export class DomainError extends Error {
  override readonly name = 'DomainError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly fields: FieldViolation[] = [],
    /** Set where a client must tell this case from others of the same code, e.g. `CURSOR_EXPIRED`. */
    readonly kind?: string,
  ) {
    super(message);
  }
}

export function invalid(path: string, rule: string, message: string): DomainError {
  return new DomainError('INVALID_ARGUMENT', message, [{ path, rule, message }]);
}

/** Several broken rules as one error, whose message is the first of them. */
export function invalidFields(fields: FieldViolation[]): DomainError {
  const [first, ...more] = fields;
  const rest = more.length > 0 ? ` (and ${more.length} more)` : '';
  const message = first ? `${first.path}: ${first.message}${rest}` : 'the input is invalid';
  return new DomainError('INVALID_ARGUMENT', message, fields);
}

/** Also the answer to an id of another project: its existence must not show. */
export function notFound(resource: string, id: string): DomainError {
  return new DomainError('NOT_FOUND', `${resource} ${id} was not found`);
}
