// The same request on each face: GraphQL inputs as REST has them, and refusals in one spelling.
import { type ServiceError, status } from '@grpc/grpc-js';
import type { GraphqlError } from './app.js';
import { violationsOf } from './grpc.js';
import type { RestAnswer } from './rest.js';

type Json = Record<string, unknown>;
type Entry = Json & { channel: string };

/** Why a face refused, in the words of GraphQL. */
export interface Refusal {
  code: string;
  message: string;
  /** Each `path: rule`, sorted; paths in camelCase. */
  fields: string[];
}

const GRPC_CODES: Record<number, string> = {
  [status.INVALID_ARGUMENT]: 'BAD_USER_INPUT',
  [status.UNAUTHENTICATED]: 'UNAUTHENTICATED',
  [status.PERMISSION_DENIED]: 'FORBIDDEN',
  [status.NOT_FOUND]: 'NOT_FOUND',
  [status.ALREADY_EXISTS]: 'CONFLICT',
  [status.FAILED_PRECONDITION]: 'FAILED_PRECONDITION',
  [status.RESOURCE_EXHAUSTED]: 'RESOURCE_EXHAUSTED',
  [status.UNIMPLEMENTED]: 'UNIMPLEMENTED',
  [status.INTERNAL]: 'INTERNAL',
};

/** HTTP status and `error.status` of REST. */
const REST_CODES: Record<string, string> = {
  '400 INVALID_ARGUMENT': 'BAD_USER_INPUT',
  '401 UNAUTHENTICATED': 'UNAUTHENTICATED',
  '403 UNAUTHORIZED': 'FORBIDDEN',
  '404 NOT_FOUND': 'NOT_FOUND',
  '409 ALREADY_EXISTS': 'CONFLICT',
  '400 FAILED_PRECONDITION': 'FAILED_PRECONDITION',
  '429 RESOURCE_EXHAUSTED': 'RESOURCE_EXHAUSTED',
  '501 UNIMPLEMENTED': 'UNIMPLEMENTED',
  '500 INTERNAL_ERROR': 'INTERNAL',
};

export function graphqlRefusal(errors: readonly GraphqlError[] | undefined): Refusal {
  const [error] = errors ?? [];
  if (!error) throw new Error('neither data nor errors');
  const fields = (error.extensions.fields ?? []).map(({ path, rule }) => `${path}: ${rule}`);
  return { code: error.extensions.code, message: error.message, fields: fields.sort() };
}

export function grpcRefusal(thrown: unknown): Refusal {
  const error = thrown as ServiceError;
  const fields = violationsOf(error).map(({ field, reason }) => `${camelCase(field)}: ${reason}`);
  return {
    code: GRPC_CODES[error.code] ?? String(error.code),
    message: error.details,
    fields: fields.sort(),
  };
}

export function restRefusal({ status: http, body }: RestAnswer): Refusal {
  const { error } = body as {
    error: {
      code: number;
      message: string;
      status: string;
      details: { fieldViolations?: { field: string; reason: string }[] }[];
    };
  };
  if (error.code !== http) throw new Error(`HTTP ${http}, but ${JSON.stringify(error)}`);
  const fields = error.details
    .flatMap(({ fieldViolations = [] }) => fieldViolations)
    .map(
      ({ field, reason }) => `${camelCase(field.replace('Idempotency-Key', 'idempotency_key'))}: ${reason}`,
    );
  const code = `${http} ${error.status}`;
  // The one field that is a header here, and so is refused before there is an input.
  const message = error.message.replace(/^Idempotency-Key must/, 'idempotencyKey: idempotencyKey must');
  return { code: REST_CODES[code] ?? code, message, fields: fields.sort() };
}

/** A send or an event as the body of its request, and the headers that go with it. */
export function restRequestOf({ idempotencyKey, message, ...input }: Json): {
  body: Json;
  headers: Record<string, string>;
} {
  return {
    body: {
      ...(fieldsOf(input) as Json),
      ...(message === undefined ? {} : { message: restMessageOf(message as Json) }),
    },
    headers: typeof idempotencyKey === 'string' ? { 'idempotency-key': idempotencyKey } : {},
  };
}

/** An AppMessageInput of GraphQL as the AppMessage of REST that means the same: lists of entries are maps there. */
export function restMessageOf({ replyToMessageId, ...content }: Json): Json {
  return {
    ...(fieldsOf(content) as Json),
    ...(replyToMessageId === undefined ? {} : { reply_to: { message_id: replyToMessageId } }),
  };
}

const SPECIAL: Record<string, (value: never) => unknown> = {
  conversationMetadata: (data: unknown) => data,
  payload: (data: unknown) => data,
  channelProperties: keyed,
  parameters: keyed,
  explicitChannelMessage: (list: Entry[]) => byChannel(list, ({ payload }) => payload),
  channelSpecificMessage: (list: Entry[]) =>
    byChannel(list, ({ messageType, message }) => ({ message_type: messageType, message })),
  explicitChannelOmniMessage: (list: Entry[]) => byChannel(list, ({ message }) => fieldsOf(message)),
  channelTemplate: (list: Entry[]) => byChannel(list, ({ channel: _, ...reference }) => fieldsOf(reference)),
};

function keyed(list: { key: string; value: string }[]): Json {
  return Object.fromEntries(list.map(({ key, value }) => [key, value]));
}

function byChannel(list: Entry[], valueOf: (entry: Entry) => unknown): Json {
  return Object.fromEntries(list.map((entry) => [entry.channel, valueOf(entry)]));
}

function fieldsOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fieldsOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      SPECIAL[name] ? SPECIAL[name](child as never) : fieldsOf(child),
    ]),
  );
}

function camelCase(path: string): string {
  return path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
