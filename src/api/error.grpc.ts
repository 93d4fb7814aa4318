import { Metadata, type StatusObject } from '@grpc/grpc-js';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import { SPELLINGS, snakeCasePath } from './error.table.js';
import type { Explained } from './explain.js';
import { LOADER_OPTIONS } from './proto.js';

/** `google.rpc.Status` as this API fills it: the plain object, ready for the wire. */
export interface RpcStatus {
  code: number;
  message: string;
  details: { typeUrl: string; value: Buffer }[];
}

const definitions = loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto'], LOADER_OPTIONS);
const BadRequest = definitions['google.rpc.BadRequest'] as MessageTypeDefinition<object, object>;
const Status = definitions['google.rpc.Status'] as MessageTypeDefinition<object, object>;

/** For an error inside an answer; bad input is detailed by a `google.rpc.BadRequest`. */
export function rpcStatus({ error }: Explained): RpcStatus {
  const fieldViolations = error.fields.map(({ path, rule, message }) => ({
    field: snakeCasePath(path),
    description: message,
    reason: rule,
  }));
  const details =
    fieldViolations.length > 0
      ? [
          {
            typeUrl: 'type.googleapis.com/google.rpc.BadRequest',
            value: BadRequest.serialize({ fieldViolations }),
          },
        ]
      : [];
  return { code: SPELLINGS[error.code].grpc, message: error.message, details };
}

/** For the end of a call: code, message, and the whole status in the trailer where rich errors travel. */
export function grpcError(explained: Explained): Pick<StatusObject, 'code' | 'details' | 'metadata'> {
  const status = rpcStatus(explained);
  const metadata = new Metadata();
  if (status.details.length > 0) metadata.set('grpc-status-details-bin', Status.serialize(status));
  if (explained.requestId) metadata.set('x-request-id', explained.requestId);
  return { code: status.code, details: status.message, metadata };
}
