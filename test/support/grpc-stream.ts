// A customer's own use of the streams of the gRPC face.
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  Metadata,
  type StatusObject,
} from '@grpc/grpc-js';
import { type EventEmitter, once } from 'node:events';
import type { EventServiceClient } from '../../src/generated/proto/parley/conversation/v1/EventService.js';
import type { Event__Output as Event } from '../../src/generated/proto/parley/conversation/v1/Event.js';
import type { MessageServiceClient } from '../../src/generated/proto/parley/conversation/v1/MessageService.js';
import type { SendMessageRequest } from '../../src/generated/proto/parley/conversation/v1/SendMessageRequest.js';
import type { SendMessageResult__Output as SendMessageResult } from '../../src/generated/proto/parley/conversation/v1/SendMessageResult.js';
import { eventually } from './eventually.js';

export function metadataOf(entries: Record<string, string>): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  return metadata;
}

/** A stream with what came of it. */
export class SendStream {
  readonly results: SendMessageResult[] = [];
  readonly call: ClientDuplexStream<SendMessageRequest, SendMessageResult>;
  /** How it ended. */
  readonly ended: Promise<StatusObject>;

  constructor(client: MessageServiceClient, metadata: Record<string, string>, deadline?: Date) {
    this.call = client.sendMessages(metadataOf(metadata), deadline ? { deadline } : {});
    this.ended = endOf(this.call);
    this.call.on('data', (result: SendMessageResult) => this.results.push(result));
  }

  /** Writes no faster than the stream takes. */
  async write(request: SendMessageRequest): Promise<void> {
    if (!this.call.write(request)) await once(this.call, 'drain');
  }

  async resultsOf(count: number): Promise<SendMessageResult[]> {
    await eventually(() => this.results.length >= count, `${count} results`);
    return this.results;
  }
}

/** A stream of events with what it told. */
export class EventStream {
  readonly events: Event[] = [];
  readonly call: ClientReadableStream<Event>;
  readonly ended: Promise<StatusObject>;
  /** When nothing that happens from then on can be missed. */
  readonly begun: Promise<unknown>;

  constructor(
    client: EventServiceClient,
    authorization: string,
    request: { appId: string; after?: string },
    deadline?: Date,
  ) {
    this.call = client.streamEvents(request, metadataOf({ authorization }), deadline ? { deadline } : {});
    this.ended = endOf(this.call);
    this.begun = Promise.race([once(this.call, 'metadata'), this.ended]);
    this.call.on('data', (event: Event) => this.events.push(event));
  }

  async first(matches: (event: Event) => unknown, what: string): Promise<Event> {
    return eventually(() => this.events.find((event) => matches(event)), what);
  }
}

function endOf(call: EventEmitter): Promise<StatusObject> {
  // The status is all that is asked for; without a listener the error would end the process.
  call.on('error', () => undefined);
  return new Promise((resolve) => call.on('status', resolve));
}
