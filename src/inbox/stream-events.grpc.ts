import { Metadata, type ServerWritableStream } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { IsNotEmpty, IsOptional, IsString } from 'class-validator';
import { EMPTY, type Observable } from 'rxjs';
import { AccessService } from '../access/access.service.js';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { CurrentCall, StreamLife } from '../api/grpc-stream.js';
import { InputPipe } from '../api/input.pipe.js';
import { AppsService } from '../apps/apps.service.js';
import { Config } from '../config.js';
import { DomainError } from '../errors.js';
import { decodePosition } from '../events/cursor.js';
import type { Position } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { EventFollower } from '../events/follow.js';
import type { Event } from '../generated/proto/parley/conversation/v1/Event.js';
import type { StreamEventsRequest__Output as StreamEventsRequest } from '../generated/proto/parley/conversation/v1/StreamEventsRequest.js';
import { eventFieldsOf } from './log-event.grpc.js';

type Call = ServerWritableStream<StreamEventsRequest, Event>;

class StreamEventsInput {
  @IsString()
  @IsNotEmpty()
  appId!: string;

  @IsOptional()
  @IsString()
  after?: string;
}

/** parley.conversation.v1.EventService, as far as it tells. */
@Controller()
export class StreamEventsGrpcController {
  private readonly pipe = new InputPipe();

  constructor(
    private readonly apps: AppsService,
    private readonly log: EventLog,
    private readonly follower: EventFollower,
    private readonly access: AccessService,
    private readonly config: Config,
  ) {}

  /** Writes to the call itself: an Observable would be buffered without bound while the client is slow. */
  @GrpcMethod('EventService')
  async streamEvents(
    @Payload() request: StreamEventsRequest,
    @CurrentCaller() { projectId }: Caller,
    @CurrentCall() call: Call,
  ): Promise<Observable<never>> {
    const { appId, after } = (await this.pipe.transform(request, {
      type: 'body',
      metatype: StreamEventsInput,
    })) as StreamEventsInput;
    const { processingMode } = await this.apps.get(projectId, appId);
    const position = after ? decodePosition(after) : await this.log.tail();
    await this.log.assertReadable(position);
    const life = new StreamLife(call, this.access);
    try {
      await this.tell(call, { projectId, appId }, position, processingMode, life.signal);
    } finally {
      life.close();
    }
    if (life.ending) throw life.ending;
    return EMPTY;
  }

  private async tell(
    call: Call,
    app: { projectId: string; appId: string },
    position: Position,
    processingMode: string,
    signal: AbortSignal,
  ): Promise<void> {
    if (!signal.aborted) call.sendMetadata(new Metadata());
    for await (const event of this.follower.follow(app, position, signal)) {
      const fields = eventFieldsOf(event, processingMode);
      if (fields && !call.write(fields)) await this.drained(call, signal);
    }
  }

  /** Until the client has read, or the stream has to end. @throws DomainError RESOURCE_EXHAUSTED when it takes too long. */
  private drained(call: Call, signal: AbortSignal): Promise<void> {
    const seconds = this.config.GRPC_SLOW_CONSUMER_SECONDS;
    return new Promise((resolve, reject) => {
      const settle = (settled: () => void): void => {
        clearTimeout(impatience);
        call.removeListener('drain', go);
        signal.removeEventListener('abort', go);
        settled();
      };
      const go = (): void => settle(resolve);
      const impatience = setTimeout(() => settle(() => reject(tooSlow(seconds))), seconds * 1000);
      call.on('drain', go);
      signal.addEventListener('abort', go);
      if (signal.aborted) go();
    });
  }
}

function tooSlow(seconds: number): DomainError {
  return new DomainError(
    'RESOURCE_EXHAUSTED',
    `nothing was read for ${seconds} seconds; go on after the last event with another stream, and read faster`,
    [],
    'SLOW_CONSUMER',
  );
}
