import {
  Client,
  type ClientDuplexStream,
  credentials,
  type Metadata,
  status,
  type StatusObject,
} from '@grpc/grpc-js';
import { once } from 'node:events';
import { messageService } from './grpc-service.js';

const { path } = messageService.SendMessages as NonNullable<(typeof messageService)[string]>;

/** One stream at a time to one server; requests are bytes before the clock starts, and results stay bytes. */
export class StreamClient {
  private readonly client: Client;

  constructor(
    address: string,
    private readonly metadata: Metadata,
  ) {
    this.client = new Client(address, credentials.createInsecure());
  }

  /** @throws Error when the stream ends otherwise than well, or without a result for each request. */
  async stream(
    requests: Iterable<Buffer>,
    mostInFlight: number,
    onResult: (result: Buffer) => void,
  ): Promise<number> {
    const call: ClientDuplexStream<Buffer, Buffer> = this.client.makeBidiStreamRequest(
      path,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      this.metadata,
    );
    let results = 0;
    let sent = 0;
    let wake = (): void => undefined;
    const ended = new Promise<StatusObject>((resolve) => call.on('status', resolve));
    call.on('error', () => wake());
    call.on('data', (result: Buffer) => {
      results += 1;
      onResult(result);
      wake();
    });
    for (const request of requests) {
      while (sent - results >= mostInFlight && !call.destroyed)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      if (call.destroyed) break;
      sent += 1;
      if (!call.write(request)) await Promise.race([once(call, 'drain'), ended]);
    }
    call.end();
    const { code, details } = await ended;
    if (code !== status.OK || results !== sent)
      throw new Error(`the stream ended with ${code} ${details}: ${results} of ${sent}`);
    return results;
  }

  close(): void {
    this.client.close();
  }
}
