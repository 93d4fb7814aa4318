import type { EntityManager } from 'typeorm';
import { touchConversations } from '../conversations/activity.js';
import type { Conversation } from '../conversations/conversation.entity.js';
import { personKey, type Resolution } from '../conversations/people.js';
import { prepared } from '../database/prepared.js';
import { queryRows } from '../database/rows.js';
import { DomainError } from '../errors.js';
import type { NewEvent } from '../events/event.js';
import { newId } from '../ids.js';
import type { NewJob } from '../jobs/task.js';
import { activitiesOf, addedEvents } from './activity.js';
import type { Accepted, SendCommand } from './command.js';
import { keptOf, overgrown } from './conversation-metadata.js';
import { claimKeys, releaseKeys } from './idempotency.js';
import { insertMessages } from './insert.js';
import { laneJob } from './lane.js';
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

const QUEUE = prepared(`
  INSERT INTO sends (project_id, conversation_id, message_id, expires_at, high_priority, channels)
  SELECT s."projectId", s."conversationId", s."messageId", s."expiresAt", s."highPriority", s.channels
  FROM jsonb_to_recordset($1::jsonb) AS s("projectId" text, "conversationId" text, "messageId" text, "expiresAt" timestamptz,
    "highPriority" boolean, channels jsonb)`);

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
  const rows = fresh.map((index) => {
    const command = commands[index] as SendCommand;
    const { projectId, appId, channel, identity } = addressees[index] as Addressee;
    const id = ids[index] as string;
    const resolved = resolution.get(personKey(addressees[index] as Addressee));
    if (!resolved) throw new Error(`no conversation for message ${id}`);
    return {
      ...{ projectId, id, appId, channel, identity, acceptTime, ...resolved },
      direction: 'TO_CONTACT' as const,
      content: withPostbackData(command.message, id),
      status: 'QUEUED' as const,
      sentBy: 'API' as const,
      metadata: command.messageMetadata,
      correlationId: command.correlationId ?? '',
      callbackUrl: command.callbackUrl,
      channelProperties: command.channelProperties,
      replyToMessageId: command.message.reply_to?.message_id ?? null,
    };
  });
  const byId = new Map(fresh.map((index) => [ids[index], commands[index] as SendCommand]));
  const others = new Map(fresh.map((index) => [ids[index], (addressees[index] as Addressee).others]));
  const queue = rows.map(({ projectId, conversationId, id }) => {
    const command = byId.get(id) as SendCommand;
    const expiresAt = new Date(Math.min(acceptTime.getTime() + command.ttlSeconds * 1000, LATEST));
    return {
      ...{ projectId, conversationId, expiresAt },
      messageId: id,
      highPriority: command.highPriority,
      channels: others.get(id) ?? [],
    };
  });
  const forgetful = new Set(
    addressees.flatMap((person) =>
      person instanceof DomainError || !person.dispatch || !person.forgets
        ? []
        : (resolution.get(personKey(person))?.conversationId ?? []),
    ),
  );
  const said = Map.groupBy(rows, ({ conversationId }) => conversationId);
  const activities = activitiesOf(rows).map((activity) => {
    const sends = (said.get(activity.id) ?? []).map(({ id }) => byId.get(id) as SendCommand);
    const kept = keptOf(locked.get(activity.id)?.metadataJson ?? null, sends);
    return { ...activity, ...kept, ...(forgetful.has(activity.id) ? { metadataJson: null } : {}) };
  });
  const [messages, conversations] = await Promise.all([
    insertMessages(tx, rows),
    touchConversations(tx, activities),
    queue.length > 0 ? queryRows(tx, QUEUE, [JSON.stringify(queue)]) : [],
  ]);
  const errors = new Map(refused.map((index) => [ids[index] as string, refusals.get(index)]));
  return {
    results: commands.map((_, index) => {
      const person = addressees[index];
      if (person instanceof DomainError) return person;
      const answer = claims.get(index) ?? { messageId: ids[index] as string, acceptedTime: acceptTime };
      // What repeats one of the same batch is refused with it.
      return answer instanceof DomainError ? answer : (errors.get(answer.messageId) ?? answer);
    }),
    events: [...addedEvents(messages, conversations)],
    jobs: queue.map((send) =>
      laneJob(send.projectId, send.conversationId, { highPriority: send.highPriority }),
    ),
  };
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
