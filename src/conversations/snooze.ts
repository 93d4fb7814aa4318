import { invalid } from '../errors.js';
import type { NewJob } from '../jobs/task.js';
import type { Conversation, InboxStatus } from './conversation.entity.js';

const MAX_SNOOZE_MS = 366 * 24 * 60 * 60_000;

/** What is asked of status and snooze; what is absent stays. */
interface Wish {
  status?: InboxStatus | undefined;
  snoozedUntil?: Date | null | undefined;
}

/**
 * Status and snooze as they shall be: a time means SNOOZED and SNOOZED needs a time, which leaves with the status. Without a status, a
 * time snoozes and null wakes.
 * @throws DomainError INVALID_ARGUMENT
 */
export function snoozeOf(before: Pick<Conversation, 'status'>, { status, snoozedUntil }: Wish): Wish {
  const snoozed = (status ?? (snoozedUntil ? 'SNOOZED' : before.status)) === 'SNOOZED';
  if (!snoozed) {
    if (!snoozedUntil) return status === undefined ? {} : { status, snoozedUntil: null };
    throw refused('status', 'snoozedUntil goes with status SNOOZED; leave one of them out');
  }
  if (!snoozedUntil) {
    if (status === undefined) return snoozedUntil === null ? { status: 'OPEN', snoozedUntil } : {};
    throw refused('required', 'snoozedUntil says until when to snooze; it is required with status SNOOZED');
  }
  const ahead = snoozedUntil.getTime() - Date.now();
  if (ahead <= 0) throw refused('future', 'snoozedUntil must be in the future');
  if (ahead > MAX_SNOOZE_MS) throw refused('max', 'snoozedUntil must be at most a year ahead');
  return { status: 'SNOOZED', snoozedUntil };
}

/** One job for all that a project has snoozed until the same second, in the queue from the snooze on: no worker has to be up till then. */
export function wakeJob(projectId: string, until: Date): NewJob<'wake'> {
  const runAt = new Date(Math.ceil(until.getTime() / 1000) * 1000);
  return { task: 'wake', key: `wake:${projectId}:${runAt.getTime() / 1000}`, payload: { projectId }, runAt };
}

function refused(rule: string, message: string): ReturnType<typeof invalid> {
  return invalid('snoozedUntil', rule, message);
}
