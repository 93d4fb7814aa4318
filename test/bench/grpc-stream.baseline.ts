// A bare @grpc/grpc-js server: one INSERT for each message of a stream, and its answer when that is done.
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { randomUUID } from 'node:crypto';
import type { SendMessageRequest__Output as Request } from '../../src/generated/proto/parley/conversation/v1/SendMessageRequest.js';
import type { SendMessageResult as Result } from '../../src/generated/proto/parley/conversation/v1/SendMessageResult.js';
import { pool } from './baseline.js';
import { messageService } from './grpc-service.js';
import { printListening } from './listen.js';

await pool.query(
  `CREATE TABLE messages (id text PRIMARY KEY, app_id text NOT NULL, recipient jsonb NOT NULL, message jsonb NOT NULL, accepted_at timestamptz NOT NULL)`,
);

const server = new Server();
server.addService(messageService, {
  sendMessages(call: ServerDuplexStream<Request, Result>) {
    let running = 0;
    let ended = false;
    const finish = (): void => {
      running -= 1;
      if (ended && running === 0) call.end();
    };
    call.on('data', (request: Request) => {
      running += 1;
      store(request).then(
        (result) => {
          call.write(result);
          finish();
        },
        (error: unknown) => call.emit('error', { code: 13, details: String(error) }),
      );
    });
    call.on('end', () => {
      ended = true;
      if (running === 0) call.end();
    });
  },
});
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  printListening(port);
});

async function store({ appId, recipient, message, clientRef }: Request): Promise<Result> {
  const messageId = randomUUID();
  const now = Date.now();
  await pool.query(
    'INSERT INTO messages (id, app_id, recipient, message, accepted_at) VALUES ($1, $2, $3, $4, $5)',
    [messageId, appId, JSON.stringify(recipient), JSON.stringify(message), new Date(now)],
  );
  const acceptedTime = { seconds: Math.floor(now / 1000), nanos: (now % 1000) * 1e6 };
  return { clientRef, response: { messageId, acceptedTime } };
}
