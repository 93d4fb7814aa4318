import type { NewJob } from '../jobs/task.js';

/** Begins the key of every lane's job; the conversation's id follows. */
export const LANE_KEY = 'send:';

/** A conversation's sends are a lane: one job, by key, drains it in order. */
export function laneJob(
  projectId: string,
  conversationId: string,
  options: { runAt?: Date; highPriority?: boolean } = {},
): NewJob<'send'> {
  return {
    task: 'send',
    key: `${LANE_KEY}${conversationId}`,
    payload: { projectId, conversationId },
    ...(options.runAt ? { runAt: options.runAt } : {}),
    priority: options.highPriority ? -10 : 0,
  };
}
