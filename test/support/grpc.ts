import {
  credentials,
  loadPackageDefinition,
  Metadata,
  type requestCallback,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import { LOADER_OPTIONS, protoFiles } from '../../src/api/proto.js';
import type { MessageServiceClient } from '../../src/generated/proto/parley/conversation/v1/MessageService.js';
import type { ProtoGrpcType } from '../../src/generated/proto/message_service.js';

export interface FieldViolation {
  field: string;
  reason: string;
  description: string;
}

const definitions = loadSync(
  [...protoFiles(), 'google/rpc/status.proto', 'google/rpc/error_details.proto'],
  LOADER_OPTIONS,
);
const Status = definitions['google.rpc.Status'] as MessageTypeDefinition<
  object,
  { details?: { value: Buffer }[] }
>;
const BadRequest = definitions['google.rpc.BadRequest'] as MessageTypeDefinition<
  object,
  { fieldViolations?: FieldViolation[] }
>;

/** A customer's own client of the gRPC face. */
export function grpcClient(address: string): MessageServiceClient {
  const { parley } = loadPackageDefinition(definitions) as unknown as ProtoGrpcType;
  return new parley.conversation.v1.MessageService(address, credentials.createInsecure());
}

/** Unary call as a promise; rejects with the ServiceError. */
export function unary<Request, Answer>(
  method: (request: Request, metadata: Metadata, callback: requestCallback<Answer>) => unknown,
  request: Request,
  metadata: Record<string, string> = {},
): Promise<Answer> {
  const given = new Metadata();
  for (const [key, value] of Object.entries(metadata)) given.set(key, value);
  return new Promise((resolve, reject) => {
    method(request, given, (error, answer) => (error ? reject(error) : resolve(answer as Answer)));
  });
}

/** The `google.rpc.BadRequest` of an error. */
export function violationsOf(error: ServiceError): FieldViolation[] {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  if (bytes === undefined) return [];
  return (
    Status.deserialize(bytes as Buffer).details?.flatMap(
      ({ value }) => BadRequest.deserialize(value).fieldViolations ?? [],
    ) ?? []
  );
}

/** A detail of an error: which type of google.rpc, and its fields. */
export type Detail = { type: string } & Record<string, unknown>;

/** The details of an error inside an answer. */
export function statusDetails(given: object | null | undefined): Detail[] {
  const { details } = (given ?? {}) as { details?: { type_url: string; value: Buffer }[] };
  return (details ?? []).map(({ type_url: url, value }) => {
    const type = url.replace('type.googleapis.com/google.rpc.', '');
    const definition = definitions[`google.rpc.${type}`] as MessageTypeDefinition<object, object>;
    return { type, ...definition.deserialize(value) };
  });
}

/** The details of a call's error. */
export function detailsOf({ metadata }: Pick<ServiceError, 'metadata'>): Detail[] {
  const [bytes] = metadata.get('grpc-status-details-bin');
  return bytes === undefined ? [] : statusDetails(Status.deserialize(bytes as Buffer));
}
