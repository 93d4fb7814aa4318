import { Controller, Delete, Get, Param } from '@nestjs/common';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import {
  JsonBody,
  nextPageToken,
  pageRequest,
  type Plain,
  PostOk,
  PROJECT_V1,
  WireQuery,
} from '../api/rest.js';
import { withFields } from '../messages/content/content.rest.js';
import { IdempotencyKey } from '../messages/idempotency-key.js';
import { eventWire } from '../wire/event.js';
import { wireTime } from '../wire/row.js';
import type { ConversationEvent } from './conversation-event.entity.js';
import { InjectEventInput, ListEventsQuery, SendEventInput } from './conversation-events.input.js';
import { type AcceptedEvent, ConversationEventsService } from './conversation-events.service.js';
import { eventCommandOf } from './event-command.js';
import { EventRecordsService } from './event-records.service.js';

/** Source: Conversation API, page sizes. */
const MAX_PAGE = 20;

interface Accepted {
  event_id: string;
  accepted_time: string;
}

/** Conversation events of the Conversation API. */
@Controller(PROJECT_V1)
export class ConversationEventsController {
  constructor(
    private readonly events: ConversationEventsService,
    private readonly records: EventRecordsService,
  ) {}

  @PostOk('events\\:send')
  async send(
    @CurrentCaller() { projectId }: Caller,
    @JsonBody(SendEventInput, sendInputOf) input: SendEventInput,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<Accepted> {
    const keyed = idempotencyKey === undefined ? input : { ...input, idempotencyKey };
    return accepted(await this.events.send(eventCommandOf(projectId, keyed)));
  }

  @Get('events')
  async list(
    @CurrentCaller() { projectId }: Caller,
    @WireQuery(ListEventsQuery) query: ListEventsQuery,
  ): Promise<{ events: object[]; next_page_token: string }> {
    const page = await this.records.list(projectId, query, pageRequest(query, { max: MAX_PAGE }));
    return { events: page.items.map(({ node }) => wire(node)), next_page_token: nextPageToken(page) };
  }

  @Get('events/:event_id')
  async get(@CurrentCaller() { projectId }: Caller, @Param('event_id') id: string): Promise<object> {
    return wire(await this.records.get(projectId, id));
  }

  @Delete('events/:event_id')
  async delete(
    @CurrentCaller() { projectId }: Caller,
    @Param('event_id') id: string,
  ): Promise<Record<string, never>> {
    await this.records.delete(projectId, id);
    return {};
  }

  @PostOk('conversations/:conversation_id\\:inject-event')
  async inject(
    @CurrentCaller() { projectId }: Caller,
    @Param('conversation_id') conversationId: string,
    @JsonBody(InjectEventInput) input: InjectEventInput,
  ): Promise<Accepted> {
    return accepted(await this.records.inject(projectId, conversationId, input));
  }
}

/** Clients give the app event itself; the document wraps it once more. */
function sendInputOf(body: Plain): Plain {
  return withFields(body, { event: (event) => (event as Plain | undefined)?.appEvent ?? event });
}

function accepted({ eventId, acceptedTime }: AcceptedEvent): Accepted {
  return { event_id: eventId, accepted_time: wireTime(acceptedTime) };
}

function wire(event: ConversationEvent): object {
  return eventWire({ ...event }, event.dispatch ? 'DISPATCH' : 'CONVERSATION');
}
