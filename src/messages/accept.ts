import type { EntityManager } from 'typeorm';
import { touchConversations } from '../conversations/activity.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { personKey, type Resolution, type Resolved } from '../conversations/people.js';
import { leaveToCommit } from '../database/leave-to-commit.js';
import { prepared } from '../database/prepared.js';
import { DomainError } from '../errors.js';
import type { NewEvent } from '../events/event.js';
import { newId } from '../ids.js';
import type { NewJob } from '../jobs/task.js';
import { activitiesOf, addedEvents } from './activity.js';
import type { Accepted, SendCommand } from './command.js';
import { keptOf, overgrown } from './conversation-metadata.js';
import { claimKeys, releaseKeys } from './idempotency.js';
import { messageOf } from './insert.js';
import { laneJob } from './lane.js';
import type { Message } from './message.entity.js';
import { withPostbackData } from './postback-data.js';
import type { Addressee } from './recipients.js';

/** What a batch came to: an answer or the caller's error for each command, and what the transaction still has to record. */
export interface Acceptance {
  results: (Accepted | DomainError)[];
  events: NewEvent[];
  jobs: NewJob[];
}

/** Postgres reads years of four digits as JavaScript writes them; the longest life ends ten thousand years from now. */
const LATEST = Date.UTC(9999, 11, 31);

/** Nothing of it can be there already: a send has its name on the channel later. */
const STORE = prepared(`
  WITH sent AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS s("projectId" text, id text, "appId" text, "conversationId" text, "contactId" text,
      channel text, identity text, content jsonb, metadata text, "correlationId" text, "callbackUrl" text, "channelProperties" jsonb,
      "replyToMessageId" text, "acceptTime" timestamptz, dispatch boolean, "expiresAt" timestamptz, "highPriority" boolean, others jsonb)
  ), stored AS (
    INSERT INTO messages (project_id, id, app_id, conversation_id, contact_id, direction, channel, identity, content, status, sent_by,
      metadata, correlation_id, callback_url, channel_properties, reply_to_message_id, accept_time, dispatch)
    SELECT "projectId", id, "appId", "conversationId", "contactId", 'TO_CONTACT', channel, identity, content, 'QUEUED', 'API',
      metadata, "correlationId", "callbackUrl", "channelProperties", "replyToMessageId", "acceptTime", dispatch
    FROM sent
  )
  INSERT INTO sends (project_id, conversation_id, message_id, expires_at, high_priority, channels)
  SELECT "projectId", "conversationId", id, "expiresAt", "highPriority", others FROM sent`);

/** Stores a batch of sends as QUEUED, in conversations that are locked. A command that cannot be accepted gets its error and touches nothing. */
export async function acceptSends(
  tx: EntityManager,
  commands: readonly SendCommand[],
  addressees: readonly (Addressee | DomainError)[],
  resolution: Resolution,
  locked: ReadonlyMap<string, Conversation>,
): Promise<Acceptance> {
  const acceptTime = new Date();
  const ids = commands.map(() => newId());
  const reachable = commands
    .map((_, index) => index)
    .filter((index) => !(addressees[index] instanceof DomainError));
  const claims = await claimKeys(tx, commands, ids, acceptTime, reachable);
  // What repeats an earlier send has its answer, whatever the conversation has become since.
  const unanswered = reachable.filter((index) => !claims.has(index));
  const refusals = outOfBounds(unanswered, commands, addressees, resolution, locked);
  const refused = [...refusals.keys()];
  const fresh = unanswered.filter((index) => !refusals.has(index));
  await releaseKeys(
    tx,
    refused.map((index) => commands[index] as SendCommand),
  );
  const sends = fresh.map((index) => {
    const command = commands[index] as SendCommand;
    const person = addressees[index] as Addressee;
    const id = ids[index] as string;
    const resolved = resolution.get(personKey(person));
    if (!resolved) throw new Error(`no conversation for message ${id}`);
    return { command, person, message: queued(id, command, person, resolved, acceptTime) };
  });
  const forgetful = new Set(
    addressees.flatMap((person) =>
      person instanceof DomainError || !person.dispatch || !person.forgets
        ? []
        : (resolution.get(personKey(person))?.conversationId ?? []),
    ),
  );
  const messages = sends.map(({ message }) => message);
  const said = Map.groupBy(sends, ({ message }) => message.conversationId);
  const activities = activitiesOf(messages).map((activity) => {
    const commandsHere = (said.get(activity.id) ?? []).map(({ command }) => command);
    const kept = keptOf(locked.get(activity.id)?.metadataJson ?? null, commandsHere);
    return { ...activity, ...kept, ...(forgetful.has(activity.id) ? { metadataJson: null } : {}) };
  });
  const conversations = touchConversations(tx, locked, activities);
  if (sends.length > 0)
    leaveToCommit(tx, tx.query(STORE, [JSON.stringify(sends.map((send) => rowOf(send)))]));
  const errors = new Map(refused.map((index) => [ids[index] as string, refusals.get(index)]));
  return {
    results: commands.map((_, index) => {
      const person = addressees[index];
      if (person instanceof DomainError) return person;
      const answer = claims.get(index) ?? { messageId: ids[index] as string, acceptedTime: acceptTime };
      // What repeats one of the same batch is refused with it.
      return answer instanceof DomainError ? answer : (errors.get(answer.messageId) ?? answer);
    }),
    events: addedEvents(messages, conversations),
    jobs: sends.map(({ message, command: { highPriority } }) =>
      laneJob(message.projectId, message.conversationId, { highPriority }),
    ),
  };
}

/** A send as it will be stored. */
interface QueuedSend {
  command: SendCommand;
  person: Addressee;
  message: Message;
}

function queued(
  id: string,
  command: SendCommand,
  { projectId, appId, channel, identity }: Addressee,
  resolved: Resolved,
  acceptTime: Date,
): Message {
  return messageOf({
    ...{ projectId, id, appId, channel, identity, acceptTime, ...resolved },
    direction: 'TO_CONTACT',
    content: withPostbackData(command.message, id),
    status: 'QUEUED',
    sentBy: 'API',
    metadata: command.messageMetadata,
    correlationId: command.correlationId ?? '',
    callbackUrl: command.callbackUrl,
    channelProperties: command.channelProperties,
    replyToMessageId: command.message.reply_to?.message_id ?? null,
  });
}

function rowOf({ command, person, message }: QueuedSend): object {
  const { ttlSeconds, highPriority } = command;
  const expiresAt = new Date(Math.min(message.acceptTime.getTime() + ttlSeconds * 1000, LATEST));
  return { ...message, expiresAt, highPriority, others: person.others };
}

/** Why sends at `indexes` cannot be accepted: they would make the metadata of their conversation too long. */
function outOfBounds(
  indexes: readonly number[],
  commands: readonly SendCommand[],
  people: readonly (Addressee | DomainError)[],
  resolution: Resolution,
  locked: ReadonlyMap<string, Conversation>,
): Map<number, DomainError> {
  const refused = new Map<number, DomainError>();
  if (!commands.some(({ mergeMetadata }) => mergeMetadata)) return refused;
  const conversationOf = (index: number): string =>
    resolution.get(personKey(people[index] as Addressee))?.conversationId ?? '';
  for (const [id, sends] of Map.groupBy(indexes, conversationOf)) {
    const refusals = overgrown(
      locked.get(id)?.metadataJson ?? null,
      sends.map((index) => commands[index] as SendCommand),
    );
    sends.forEach((index, place) => {
      const refusal = refusals[place];
      if (refusal) refused.set(index, refusal);
    });
  }
  return refused;
}
