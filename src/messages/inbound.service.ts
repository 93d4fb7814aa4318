import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { InboundEcho, InboundEvent, InboundMessage, InboundUnsupported } from '../channels/channel.js';
import {
  assertActive,
  type ConversationKey,
  lockConversations,
  touchConversations,
} from '../conversations/activity.js';
import { findPeople, PeopleResolver, type Resolution } from '../conversations/people.js';
import { isDatabaseAway } from '../database/availability.js';
import { queryRows } from '../database/rows.js';
import { DomainError } from '../errors.js';
import type { NewEvent } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { newId } from '../ids.js';
import { JobsService } from '../jobs/jobs.service.js';
import { activitiesOf, addedEvents, statusEvents } from './activity.js';
import { GroupCommit } from './group-commit.js';
import { insertMessages, type MessageRow } from './insert.js';
import { laneJob } from './lane.js';
import { settleParts } from './settle.js';
import { prepareAndTransact, sqlState } from './transaction.js';
import {
  type IgnoredEvent,
  type InboundBatch,
  type InboundRequest,
  type InboundSource,
  resolvedOf,
  sortByKind,
  type Sourced,
} from './inbound/batch.js';
import { recogniseEchoes } from './inbound/echoes.js';
import { type Answer, type Answered, answerKey, findAnswered } from './inbound/quotes.js';
import { applyReceipts, findReceiptTargets, type ReceiptTarget } from './inbound/receipts.js';
import { digest, salvaged, storable } from './inbound/salvage.js';

/** Most events that share a transaction: each may lock a conversation, and Postgres holds so many locks only. */
const BATCH = 256;
/** Meta wants an answer within 5 seconds, and delivers again after a refusal. */
const ANSWER_MS = 4_500;
/** Classes of SQLSTATE that blame the data: data exception, integrity constraint, program limit. */
const BAD_DATA = /^(22|23|54)/;

const SEEN = `
  INSERT INTO channel_events_seen (project_id, app_id, key)
  SELECT e."projectId", e."appId", e.key FROM jsonb_to_recordset($1::jsonb) AS e("projectId" text, "appId" text, key text)
  ORDER BY 1, 2, 3
  ON CONFLICT DO NOTHING RETURNING app_id, key`;

/** What a batch needs to know before its transaction begins. */
interface Prepared {
  resolution: Resolution;
  receivers: Awaited<ReturnType<typeof findReceiptTargets>>;
  conversations: ConversationKey[];
}

/** The one door for whatever a channel brings in. What it resolved is durable. */
@Injectable()
export class InboundService {
  private readonly group: GroupCommit<InboundRequest, void>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly people: PeopleResolver,
    private readonly log: EventLog,
    private readonly jobs: JobsService,
  ) {
    this.group = new GroupCommit((requests) => this.commit(requests), isDatabaseAway, {
      batch: BATCH,
      inFlight: 2,
      waiting: 20_000,
      weigh: ({ events, ignored }) => events.length + ignored.length,
    });
  }

  /**
   * Takes the events of one request. Redeliveries, any order and any neighbours are harmless.
   * @throws DomainError UNAVAILABLE when overloaded or the database is away or slow: the channel will deliver again.
   */
  async receive(source: InboundSource, events: InboundEvent[], ignored: IgnoredEvent[] = []): Promise<void> {
    if (events.length + ignored.length === 0) return;
    await inTime(this.takeAll({ source, events, ignored }));
  }

  private async takeAll({ source, events, ignored }: InboundRequest): Promise<void> {
    for (let start = 0; start < events.length; start += BATCH)
      await this.take({ source, events: events.slice(start, start + BATCH), ignored: [] });
    for (let start = 0; start < ignored.length; start += BATCH)
      await this.take({ source, events: [], ignored: ignored.slice(start, start + BATCH) });
  }

  /** What cannot be stored is found by halving, so that it takes nothing else along, and is kept in a form that can. */
  private async take(request: InboundRequest): Promise<void> {
    const { source, events, ignored } = request;
    try {
      await this.group.submit(request);
    } catch (error) {
      if (!blamesData(error)) throw error;
      const [first] = events;
      if (ignored.length > 0) await this.group.submit({ source, events, ignored: ignored.map(storable) });
      else if (events.length > 1) {
        const middle = events.length >> 1;
        await this.take({ source, events: events.slice(0, middle), ignored });
        await this.take({ source, events: events.slice(middle), ignored });
      } else if (first) {
        await this.group.submit({ source, events: [salvaged(first)], ignored });
      }
    }
  }

  private async commit(requests: InboundRequest[]): Promise<void[]> {
    const batch = sortByKind(requests);
    await prepareAndTransact(
      this.dataSource,
      () => this.prepare(batch),
      (tx, prepared) => this.store(tx, batch, prepared),
    );
    return requests.map(() => undefined);
  }

  /** Whom the batch concerns, and which conversations that locks. */
  private async prepare(batch: InboundBatch): Promise<Prepared> {
    const { own, foreign } = await recogniseEchoes(this.dataSource.manager, batch.echoes);
    const resolution = await this.people.ensure([...batch.messages, ...foreign]);
    const receivers = await findReceiptTargets(this.dataSource.manager, batch.receipts);
    return {
      resolution,
      receivers,
      conversations: [
        ...[...resolution].map(([key, { conversationId }]) => ({
          projectId: key.slice(0, key.indexOf(' ')),
          id: conversationId,
        })),
        ...own.map(({ echo, conversationId }) => ({ projectId: echo.projectId, id: conversationId })),
        ...receivers.conversations,
      ],
    };
  }

  /** Begins with the locks: nothing may be written before them, see PeopleResolver. */
  private async store(
    tx: EntityManager,
    batch: InboundBatch,
    { resolution, receivers, conversations: keys }: Prepared,
  ): Promise<void> {
    const conversations = await lockConversations(tx, keys);
    assertActive(
      conversations,
      [...resolution.values()].map(({ conversationId }) => conversationId),
    );
    // Again, under the locks: an answer may have told meanwhile that an echo is ours.
    const { own, foreign } = await recogniseEchoes(tx, batch.echoes);
    const added = await insertMessages(tx, await this.rows(tx, batch.messages, foreign, resolution));
    for (const [id, conversation] of await touchConversations(tx, activitiesOf(added)))
      conversations.set(id, conversation);

    const settled = await settleParts(
      tx,
      own.map(({ part }) => part),
      'channel',
    );
    const delivered = await applyReceipts(tx, receivers.targets, receivers.conversations, 'DELIVERED');
    const read = await applyReceipts(tx, receivers.targets, receivers.conversations, 'READ');
    const watermarks = watermarksOf(receivers.targets);

    const events: NewEvent[] = [
      ...addedEvents(added, conversations),
      ...statusEvents(settled, conversations, (message) => message.channelTime),
      ...statusEvents(
        delivered,
        conversations,
        (message) => watermarks.get(`DELIVERED ${message.contactId}`) ?? null,
      ),
      ...statusEvents(read, conversations, (message) => watermarks.get(`READ ${message.contactId}`) ?? null),
      ...(await this.reports(tx, batch)),
    ];
    await this.log.record(tx, events);
    // An echo may have freed a lane that waited to learn what became of a call.
    await this.jobs.add(
      tx,
      own.map(({ echo, conversationId }) => laneJob(echo.projectId, conversationId)),
    );
  }

  private async rows(
    tx: EntityManager,
    messages: Sourced<InboundMessage>[],
    echoes: Sourced<InboundEcho>[],
    resolution: Resolution,
  ): Promise<MessageRow[]> {
    const answers: Answer[] = [];
    for (const message of messages) {
      const postbackData = message.content.choice_response_message?.postback_data ?? null;
      const conversationId = resolvedOf(resolution, message)?.conversationId;
      if (!conversationId || (postbackData === null && !message.replyTo)) continue;
      const { projectId, appId, channel, channelMessageId } = message;
      answers.push({
        projectId,
        appId,
        channel,
        conversationId,
        channelMessageId,
        replyTo: message.replyTo ?? null,
        postbackData,
        choice: message.choice ?? null,
      });
    }
    const answered = await findAnswered(tx, answers);
    const acceptTime = new Date();
    const rows: MessageRow[] = [];
    for (const event of [...messages, ...echoes]) {
      const resolved = resolvedOf(resolution, event);
      if (!resolved) throw new Error(`no conversation for ${event.kind} ${event.channelMessageId}`);
      const { projectId, appId, channel, identity, channelMessageId } = event;
      const common = {
        projectId,
        appId,
        channel,
        identity,
        channelMessageId,
        ...resolved,
        id: newId(),
        acceptTime,
        channelTime: event.at,
      };
      rows.push(
        event.kind === 'message'
          ? { ...common, ...contactSide(event, answered.get(answerKey(event))) }
          : { ...common, ...businessSide(event) },
      );
    }
    return rows;
  }

  /** Events for what has no generic form or is not ours, each once however often it is delivered. */
  private async reports(tx: EntityManager, batch: InboundBatch): Promise<NewEvent[]> {
    const keyed = [
      ...batch.unsupported.map((event) => ({ event, key: event.key })),
      ...batch.ignored.map((event) => ({ event, key: digest(event.raw) })),
    ];
    if (keyed.length === 0) return [];
    const rows = keyed.map(({ event, key }) => ({ projectId: event.projectId, appId: event.appId, key }));
    const fresh = new Set(
      (await queryRows<{ appId: string; key: string }>(tx, SEEN, [JSON.stringify(rows)])).map(
        (row) => `${row.appId} ${row.key}`,
      ),
    );
    const people = await findPeople(
      tx,
      batch.unsupported.filter((event) => event.identity !== ''),
    );
    const events: NewEvent[] = [];
    for (const { event, key } of keyed) {
      if (!fresh.delete(`${event.appId} ${key}`)) continue;
      events.push('kind' in event ? unsupportedEvent(event, people) : ignoredEvent(event));
    }
    return events;
  }
}

/** Whether the event itself is to blame. Anything else is ours, and the channel had better come again. */
function blamesData(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined ? !(error instanceof DomainError) : BAD_DATA.test(state);
}

/** Refuses what takes too long. It may be stored all the same, and is then recognised when it comes again. */
async function inTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const refusal = new DomainError(
      'UNAVAILABLE',
      'the events could not be stored in time, deliver them again',
    );
    timer = setTimeout(() => reject(refusal), ANSWER_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function contactSide(
  event: InboundMessage,
  answered: Answered | undefined,
): Pick<MessageRow, 'direction' | 'sentBy' | 'content' | 'metadata' | 'replyToMessageId'> {
  const { choice_response_message: choice } = event.content;
  return {
    direction: 'TO_APP',
    sentBy: 'CONTACT',
    content: {
      ...event.content,
      ...(choice
        ? {
            choice_response_message: {
              message_id: answered?.askedMessageId ?? '',
              postback_data: answered?.chosenData ?? choice.postback_data,
            },
          }
        : {}),
      ...(event.replyTo ? { reply_to: { message_id: answered?.replyToMessageId ?? '' } } : {}),
    },
    metadata: answered?.askedMetadata ?? '',
    replyToMessageId: answered?.replyToMessageId ?? null,
  };
}

/** What another tool of the business sent is on the channel already. */
function businessSide(event: InboundEcho): Pick<MessageRow, 'direction' | 'sentBy' | 'content' | 'status'> {
  return {
    direction: 'TO_CONTACT',
    sentBy: event.origin,
    content: event.content,
    status: 'QUEUED_ON_CHANNEL',
  };
}

function watermarksOf(targets: ReceiptTarget[]): Map<string, Date> {
  const watermarks = new Map<string, Date>();
  for (const { status, contactId, watermark, at } of targets) {
    const time = watermark ?? at;
    if (time) watermarks.set(`${status} ${contactId}`, time);
  }
  return watermarks;
}

function unsupportedEvent(event: Sourced<InboundUnsupported>, resolution: Resolution): NewEvent {
  const resolved = event.identity === '' ? undefined : resolvedOf(resolution, event);
  return {
    projectId: event.projectId,
    appId: event.appId,
    kind: 'channel.unsupported',
    conversationId: resolved?.conversationId ?? null,
    contactId: resolved?.contactId ?? null,
    payload: { channel: event.channel, identity: event.identity, raw: event.raw },
  };
}

function ignoredEvent(event: Sourced<IgnoredEvent>): NewEvent {
  const { projectId, appId, channel, accountId, raw } = event;
  return { projectId, appId, kind: 'channel.ignored', payload: { channel, accountId, raw } };
}
