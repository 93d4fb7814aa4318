// A bare @grpc/grpc-js server: one INSERT a call.
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { randomUUID } from 'node:crypto';
import type { SendMessageRequest__Output as Request } from '../../src/generated/proto/parley/conversation/v1/SendMessageRequest.js';
import type { SendMessageResponse as Response } from '../../src/generated/proto/parley/conversation/v1/SendMessageResponse.js';
import { pool } from './baseline.js';
import { messageService } from './grpc-service.js';
import { printListening } from './listen.js';

await pool.query(
  `CREATE TABLE messages (id text PRIMARY KEY, app_id text NOT NULL, recipient jsonb NOT NULL, message jsonb NOT NULL, accepted_at timestamptz NOT NULL)`,
);

const server = new Server();
server.addService(messageService, {
  sendMessage(call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) {
    store(call.request).then(
      (response) => callback(null, response),
      (error: unknown) => callback({ code: 13, details: String(error) }),
    );
  },
});
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  printListening(port);
});

async function store({ appId, recipient, message }: Request): Promise<Response> {
  const messageId = randomUUID();
  const now = Date.now();
  await pool.query(
    'INSERT INTO messages (id, app_id, recipient, message, accepted_at) VALUES ($1, $2, $3, $4, $5)',
    [messageId, appId, JSON.stringify(recipient), JSON.stringify(message), new Date(now)],
  );
  return { messageId, acceptedTime: { seconds: Math.floor(now / 1000), nanos: (now % 1000) * 1e6 } };
}
