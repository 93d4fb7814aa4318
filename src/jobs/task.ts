/**
 * The kinds of background work and what each is given. Jobs are few and say only where to look: one a lane or target, by key,
 * whose handler drains what waits there. Which row is due is always read from the tables.
 */
export interface TaskPayloads {
  /** Send what waits in a conversation, in order. */
  send: { projectId: string; conversationId: string };
  /** The same where something of high priority waits: bulk traffic never takes these slots. */
  'send-high': { projectId: string; conversationId: string };
  /** Send what a conversation has waiting beside messages: typing, seen, reactions. */
  'send-events': { projectId: string; conversationId: string };
  /** Take in what a channel said of our side while it was being called, as it was then. */
  echo: { echo: unknown };
  /** Deliver what waits for a webhook. */
  deliver: { projectId: string; webhookId: string };
  /** Download media of a message. */
  download: { projectId: string; mediaId: string };
  /** Delete the bytes of media that are gone. */
  discard: Record<string, never>;
  /** Ask a channel of an app what it tells of people who are new or whom it was asked about long ago. */
  profiles: { projectId: string; appId: string; channel: string };
  /** Fetch the next page of what was said on a channel before it was connected. */
  history: { projectId: string; channelId: string };
  /** Open what has been snoozed until now. */
  wake: { projectId: string };
  /** Delete what an app has kept for longer than its policy says. */
  retain: { projectId: string; appId: string };
  /** Have what was there before the search be found as well. */
  words: { projectId: string; kind: 'messages' | 'contacts' };
  /** Daily upkeep: partitions of the coming days, retention. */
  upkeep: Record<string, never>;
}

export type Task = keyof TaskPayloads;

export interface NewJob<T extends Task = Task> {
  task: T;
  payload: TaskPayloads[T];
  /** At most one waiting job a key: adding it again moves that one. A job that runs already is followed by a new one. */
  key: string;
  /** Not before; now when absent. */
  runAt?: Date;
  /** Lower runs first; 0 when absent. */
  priority?: number;
}

export type Handler<T extends Task> = (payload: TaskPayloads[T]) => Promise<void>;
