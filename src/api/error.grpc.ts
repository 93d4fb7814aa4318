import { Metadata, type StatusObject } from '@grpc/grpc-js';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import type { ErrorCode } from '../errors.js';
import { SPELLINGS, snakeCasePath } from './error.table.js';
import type { Explained } from './explain.js';
import { LOADER_OPTIONS } from './proto.js';

/** `google.rpc.Status` as this API fills it: the plain object, ready for the wire. */
export interface RpcStatus {
  code: number;
  message: string;
  /** Members of google.protobuf.Any: the one type whose fields the loader leaves in the spelling of the proto. */
  details: { type_url: string; value: Buffer }[];
}

const definitions = loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto'], LOADER_OPTIONS);
const Status = definitions['google.rpc.Status'] as MessageTypeDefinition<object, object>;

/** Who speaks in `google.rpc.ErrorInfo`. */
const DOMAIN = 'parley';
/** How long to wait before what was refused for now is tried again, in seconds. */
const RETRY_SECONDS: Partial<Record<ErrorCode, number>> = { UNAVAILABLE: 1, RESOURCE_EXHAUSTED: 5 };

/** For an error inside an answer. */
export function rpcStatus({ error, requestId }: Explained): RpcStatus {
  const details: RpcStatus['details'] = [];
  if (error.fields.length > 0) {
    const fieldViolations = error.fields.map(({ path, rule, message }) => ({
      field: snakeCasePath(path),
      description: message,
      reason: rule,
    }));
    details.push(detail('BadRequest', { fieldViolations }));
  }
  if (error.kind !== undefined) details.push(detail('ErrorInfo', { reason: error.kind, domain: DOMAIN }));
  const seconds = RETRY_SECONDS[error.code];
  if (seconds !== undefined) details.push(detail('RetryInfo', { retryDelay: { seconds: String(seconds) } }));
  if (requestId !== undefined) details.push(detail('RequestInfo', { requestId }));
  return { code: SPELLINGS[error.code].grpc, message: error.message, details };
}

function detail(name: string, fields: object): RpcStatus['details'][number] {
  const type = definitions[`google.rpc.${name}`] as MessageTypeDefinition<object, object>;
  return { type_url: `type.googleapis.com/google.rpc.${name}`, value: type.serialize(fields) };
}

/** For the end of a call: code, message, and the whole status in the trailer where rich errors travel. */
export function grpcError(explained: Explained): Pick<StatusObject, 'code' | 'details' | 'metadata'> {
  const status = rpcStatus(explained);
  const metadata = new Metadata();
  if (status.details.length > 0) metadata.set('grpc-status-details-bin', Status.serialize(status));
  if (explained.requestId) metadata.set('x-request-id', explained.requestId);
  return { code: status.code, details: status.message, metadata };
}
