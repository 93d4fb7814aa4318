import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { DomainError, type FieldViolation } from '../errors.js';
import { SPELLINGS } from './error.table.js';
import { explain, type Explained } from './explain.js';

/** A GraphQL error that already speaks our codes. */
export class PresentableError extends GraphQLError {
  constructor({ error, requestId }: Explained) {
    super(error.message, {
      extensions: {
        code: error.kind ?? SPELLINGS[error.code].graphql,
        ...(error.code === 'INVALID_ARGUMENT' ? { fields: error.fields } : {}),
        ...(requestId ? { requestId } : {}),
      },
    });
  }
}

/** Any error that GraphQL met, as the client may see it: message, place and code, never a stack. */
export function presentError(thrown: unknown): GraphQLFormattedError {
  const chain = causes(thrown);
  const outer = chain[0] instanceof GraphQLError ? chain[0] : null;
  const place = {
    ...(outer?.locations ? { locations: outer.locations } : {}),
    ...(outer?.path ? { path: outer.path } : {}),
  };
  const presentable =
    chain.find((error) => error instanceof PresentableError) ??
    (outer && chain.some(isRequestError)
      ? new PresentableError(explain(malformed(outer)))
      : new PresentableError(explain(chain.at(-1))));
  return { message: presentable.message, ...place, extensions: { ...presentable.extensions } };
}

/** The error and what caused it, outermost first. */
function causes(thrown: unknown): unknown[] {
  const chain: unknown[] = [thrown];
  for (let error = thrown; error instanceof GraphQLError && error.originalError;) {
    error = error.originalError;
    chain.push(error);
  }
  return chain;
}

/**
 * Whether GraphQL itself refused the request: syntax, validation, or a value of the wrong type. Such an error knows its place in
 * the document but, unlike a resolver's, no path in the answer; Apollo's own carry a code instead.
 */
function isRequestError(error: unknown): boolean {
  if (!(error instanceof GraphQLError) || error.path) return false;
  const { code, http } = error.extensions;
  if (typeof code === 'string') return code !== 'INTERNAL_SERVER_ERROR';
  // Of a persisted query only the status tells whose fault it is.
  if ((http as { status?: number } | undefined)?.status === 400) return true;
  return error.source !== undefined || error.nodes !== undefined;
}

function malformed({ message, extensions }: GraphQLError): DomainError {
  const path = pathOf(message);
  const fields: FieldViolation[] = path === null ? [] : [{ path, rule: 'type', message }];
  // Clients that persist their queries know it by its code, and send the text next.
  const kind = extensions.code === 'PERSISTED_QUERY_NOT_FOUND' ? extensions.code : undefined;
  return new DomainError('INVALID_ARGUMENT', message, fields, kind);
}

/** Which field of the input a coercion error of GraphQL speaks of; the message is the only place that tells. */
function pathOf(message: string): string | null {
  const coercion = /^Variable "\$\w+" got invalid value [^]*?(?: at "\w+\.?([^"]*)")?; ([^]*)$/.exec(message);
  const missing = /^Field "(?:\w+\.)?(\w+)" (?:of required type|is not defined)/.exec(
    coercion?.[2] ?? message,
  );
  const path = [coercion?.[1], missing?.[1]].filter(Boolean).join('.');
  return path === '' ? null : path;
}
