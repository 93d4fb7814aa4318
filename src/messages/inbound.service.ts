import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { InboundContactEvent, InboundEvent } from '../channels/channel.js';
import { type ConversationKey, lockConversations, touchConversations } from '../conversations/activity.js';
import { reopenedEvents } from '../conversations/changes.js';
import { PeopleResolver, type Person, type Resolution } from '../conversations/people.js';
import { isDatabaseAway } from '../database/availability.js';
import { DomainError } from '../errors.js';
import { EventLog } from '../events/event-log.js';
import { JobsService } from '../jobs/jobs.service.js';
import { activitiesOf, addedEvents, changedEvents, statusEvents, submittedEvents } from './activity.js';
import { GroupCommit } from './group-commit.js';
import {
  type IgnoredEvent,
  type InboundBatch,
  type InboundRequest,
  type InboundSource,
  resolvedOf,
  sortByKind,
  type Sourced,
} from './inbound/batch.js';
import { type ChannelMessage, findMessages, messageKey } from './inbound/changes.js';
import { addContactActs, type ContactAct } from './inbound/contact-events.js';
import { findOverdueChanges } from './inbound/early-changes.js';
import { keepReceipts } from './inbound/early-receipts.js';
import { recogniseEchoes } from './inbound/echoes.js';
import { heldRequest, holdEchoes } from './inbound/held-echoes.js';
import { applyReceipts, findReceiptTargets, type ReceiptTarget } from './inbound/receipts.js';
import { applyEarlyChanges, receiveChanges } from './inbound/receive-changes.js';
import { findFresh, reportsOf } from './inbound/reports.js';
import { rowsOf, upgradeTaps } from './inbound/rows.js';
import { salvaged, storable } from './inbound/salvage.js';
import { insertReceived } from './insert.js';
import { laneJob } from './lane.js';
import type { Message } from './message.entity.js';
import { settleParts } from './settle.js';
import { prepareAndTransact, sqlState, transact } from './transaction.js';

/** Most events that share a transaction: each may lock a conversation, and Postgres holds so many locks only. */
const BATCH = 256;
/** Meta wants an answer within 5 seconds, and delivers again after a refusal. */
const ANSWER_MS = 4_500;
/** Classes of SQLSTATE that blame the data: data exception, integrity constraint, program limit. */
const BAD_DATA = /^(22|23|54)/;

/** What a batch needs to know before its transaction begins. */
interface Prepared {
  people: Person[];
  resolution: Resolution;
  receivers: Awaited<ReturnType<typeof findReceiptTargets>>;
  /** Conversations of whom only receipts and echoes speak. */
  others: ConversationKey[];
}

/** The one door for whatever a channel brings in. What it resolved is durable. */
@Injectable()
export class InboundService implements OnModuleInit {
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

  onModuleInit(): void {
    this.jobs.onSweep(() => this.sweep());
    this.jobs.handle('echo', ({ echo }) => this.takeAll(heldRequest(echo)));
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

  /** Has sends whose answers came after what befell their messages know of it. */
  async sweep(): Promise<void> {
    for (const overdue of await findOverdueChanges(this.dataSource.manager)) {
      const { projectId, conversationId } = overdue;
      await transact(this.dataSource, async (tx) => {
        const conversations = await lockConversations(tx, [{ projectId, id: conversationId }]);
        const changed = await applyEarlyChanges(tx, [overdue], conversations);
        await this.log.record(tx, changedEvents(changed, conversations));
      });
    }
  }

  /** Whom the batch concerns, and which conversations that locks. */
  private async prepare(batch: InboundBatch): Promise<Prepared> {
    const { manager } = this.dataSource;
    const { own, foreign } = await recogniseEchoes(manager, batch.echoes);
    const changed = await findMessages(manager, batch.changes);
    const people = [
      ...batch.messages,
      ...foreign,
      ...batch.contactEvents,
      // Who does something to a message that is not here yet is locked in its place.
      ...batch.changes.filter((change) => !changed.has(messageKey(change))),
    ];
    const resolution = await this.people.ensure(people);
    const receivers = await findReceiptTargets(manager, batch.receipts);
    return {
      people,
      resolution,
      receivers,
      others: [
        ...own.map(({ echo, conversationId }) => ({ projectId: echo.projectId, id: conversationId })),
        ...[...changed.values()].flat().map(({ projectId, conversationId: id }) => ({ projectId, id })),
        ...receivers.conversations,
      ],
    };
  }

  /** Begins with the locks: nothing may be written before them, see PeopleResolver. */
  private async store(
    tx: EntityManager,
    batch: InboundBatch,
    { people, resolution, receivers, others }: Prepared,
  ): Promise<void> {
    const conversations = await this.people.lock(tx, people, resolution, others);
    // Again, under the locks: an answer may have told meanwhile that an echo is ours.
    const { own, foreign: unknown } = await recogniseEchoes(tx, batch.echoes);
    const { foreign, held } = await holdEchoes(tx, unknown, resolution);
    const rows = await rowsOf(tx, batch.messages, foreign, resolution);
    const { messages: added, early } = await insertReceived(tx, rows);
    const touched = touchConversations(tx, conversations, activitiesOf(added));
    const reopened = reopenedEvents(conversations, touched);
    for (const [id, conversation] of touched) conversations.set(id, conversation);
    const settled = await settleParts(
      tx,
      own.map(({ part }) => part),
      'channel',
    );
    const delivered = await applyReceipts(tx, receivers.targets, receivers.conversations, 'DELIVERED');
    const read = await applyReceipts(tx, receivers.targets, receivers.conversations, 'READ');
    await keepReceipts(tx, receivers.all, 'DELIVERED');
    await keepReceipts(tx, receivers.all, 'READ');
    const watermarks = watermarksOf(receivers.targets);

    const fresh = await findFresh(tx, batch);
    const tapped = await upgradeTaps(tx, rows, added, conversations);
    const overtaken = await applyEarlyChanges(
      tx,
      [
        ...added.filter(({ id }) => early.has(id)).map((message) => namedBy(message)),
        ...own.flatMap(({ echo, changed }) => (changed ? [echo] : [])),
      ],
      conversations,
    );
    const { updated, acts } = await receiveChanges(tx, batch.changes, resolution, conversations);
    const told = await addContactActs(
      tx,
      [...fresh.contactEvents.map((event) => actOf(event, resolution)), ...acts],
      conversations,
    );
    const changed = new Map([...tapped, ...overtaken, ...updated].map((message) => [message.id, message]));
    // As they are in the end: what was taken back at once is never told.
    const inTheEnd = (message: Message): Message => withChanges(message, changed.get(message.id));
    const known = new Set(added.map(({ id }) => id));

    await this.log.record(tx, [
      ...reopened,
      ...addedEvents(added.map(inTheEnd), conversations),
      ...submittedEvents(settled.map(inTheEnd)),
      ...statusEvents(settled.map(inTheEnd), conversations, (message) => message.channelTime),
      ...statusEvents(
        delivered.map(inTheEnd),
        conversations,
        (message) => watermarks.get(`DELIVERED ${message.contactId}`) ?? null,
      ),
      ...statusEvents(
        read.map(inTheEnd),
        conversations,
        (message) => watermarks.get(`READ ${message.contactId}`) ?? null,
      ),
      ...changedEvents(
        [...changed.values()].filter(({ id }) => !known.has(id)),
        conversations,
      ),
      ...told,
      ...(await reportsOf(tx, fresh)),
    ]);
    // An echo may have freed a lane that waited to learn what became of a call.
    this.jobs.addSoon(
      tx,
      own.map(({ echo, conversationId }) => laneJob(echo.projectId, conversationId)),
    );
    await this.jobs.add(tx, held);
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
    timer = setTimeout(() => reject(tooLate()), ANSWER_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function tooLate(): DomainError {
  return new DomainError('UNAVAILABLE', 'the events could not be stored in time, deliver them again');
}

function watermarksOf(targets: ReceiptTarget[]): Map<string, Date> {
  const watermarks = new Map<string, Date>();
  for (const { status, contactId, watermark, at } of targets) {
    const time = watermark ?? at;
    if (time) watermarks.set(`${status} ${contactId}`, time);
  }
  return watermarks;
}

/** A message as it was, with what it says in the end. */
function withChanges(message: Message, later: Message | undefined): Message {
  if (!later) return message;
  const { content, channelData, metadata, replyToMessageId, reactions, editedAt, editRevision, deletedAt } =
    later;
  return {
    ...message,
    ...{ content, channelData, metadata, replyToMessageId, reactions, editedAt, editRevision, deletedAt },
  };
}

/** The name under which the channel may have spoken of a message: the first of those that it makes here has it. */
function namedBy({ projectId, appId, channel, channelMessageId }: Message): ChannelMessage {
  return { projectId, appId, channel, channelMessageId: channelMessageId?.split('#', 1)[0] ?? '' };
}

function actOf(event: Sourced<InboundContactEvent>, resolution: Resolution): ContactAct {
  const resolved = resolvedOf(resolution, event);
  if (!resolved) throw new Error(`no conversation for event ${event.key}`);
  return { ...event, ...resolved, told: true };
}
