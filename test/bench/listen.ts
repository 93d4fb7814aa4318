import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The line by which a server process of the bench says where it listens. */
export const LISTENING = /^listening on (127\.0\.0\.1:\d+)$/;

export function printListening(port: number): void {
  console.log(`listening on 127.0.0.1:${port}`);
}

/** Listens on a free port of loopback, and says so. */
export async function listen(server: Server): Promise<void> {
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  printListening((server.address() as AddressInfo).port);
}
