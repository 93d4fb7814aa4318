import type { NewJob } from '../jobs/task.js';

/** Begin the keys of the lanes' jobs; the conversation's id follows. */
export const LANE_KEY = 'send:';
export const HIGH_LANE_KEY = 'send-high:';

/**
 * A conversation's sends are a lane: one job, by key, drains it in order. One with anything of high priority has another job, whose
 * runner the others cannot keep busy; whichever comes first does the work.
 */
export function laneJob(
  projectId: string,
  conversationId: string,
  options: { runAt?: Date; highPriority?: boolean } = {},
): NewJob<'send' | 'send-high'> {
  return {
    task: options.highPriority ? 'send-high' : 'send',
    key: `${options.highPriority ? HIGH_LANE_KEY : LANE_KEY}${conversationId}`,
    payload: { projectId, conversationId },
    ...(options.runAt ? { runAt: options.runAt } : {}),
  };
}
