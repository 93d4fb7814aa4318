/**
 * The kinds of background work and what each is given. Jobs are few and say only where to look: one a lane or target, by key,
 * whose handler drains what waits there. Which row is due is always read from the tables.
 */
export interface TaskPayloads {
  /** Send what waits in a conversation, in order. */
  send: { projectId: string; conversationId: string };
  /** Deliver what waits for a webhook. */
  deliver: { projectId: string; webhookId: string };
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
