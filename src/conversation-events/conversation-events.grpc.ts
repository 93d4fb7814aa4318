import { Metadata } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { Ctx, GrpcMethod, Payload } from '@nestjs/microservices';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { type AnyCall, assertAwaited, CurrentCall } from '../api/grpc-stream.js';
import { InputPipe } from '../api/input.pipe.js';
import { structObject, timestamp } from '../api/well-known.js';
import type { SendEventRequest__Output as SendEventRequest } from '../generated/proto/parley/conversation/v1/SendEventRequest.js';
import type { SendEventResponse } from '../generated/proto/parley/conversation/v1/SendEventResponse.js';
import { SendEventInput } from './conversation-events.input.js';
import { ConversationEventsService } from './conversation-events.service.js';
import { eventCommandOf } from './event-command.js';

/** parley.conversation.v1.EventService. */
@Controller()
export class ConversationEventsGrpcController {
  private readonly pipe = new InputPipe();

  constructor(private readonly events: ConversationEventsService) {}

  @GrpcMethod('EventService')
  async sendEvent(
    @Payload() request: object,
    @Ctx() metadata: Metadata,
    @CurrentCaller() caller: Caller,
    @CurrentCall() call: AnyCall,
  ): Promise<SendEventResponse> {
    const input = await this.inputOf(request, metadata);
    assertAwaited(call);
    const { eventId, acceptedTime } = await this.events.send(eventCommandOf(caller.projectId, input));
    return { eventId, acceptedTime: timestamp(acceptedTime) };
  }

  /** The same input class as on every face, and so the same rules; a Struct becomes the object that it stands for. */
  private async inputOf(request: SendEventRequest, metadata: Metadata): Promise<SendEventInput> {
    const [idempotencyKey] = metadata.get('idempotency-key');
    const payload = request.event?.genericEvent?.payload;
    const plain = {
      ...request,
      ...(payload ? { event: { ...request.event, genericEvent: { payload: structObject(payload) } } } : {}),
      ...(idempotencyKey ? { idempotencyKey: idempotencyKey.toString() } : {}),
    };
    return (await this.pipe.transform(plain, { type: 'body', metatype: SendEventInput })) as SendEventInput;
  }
}
