import type { App } from '../apps/app.entity.js';

/** What of an app is too old: all that was said before, in DISPATCH mode or in conversations. */
export interface Expiry {
  projectId: string;
  appId: string;
  before: Date;
  dispatch: boolean;
}

const DAY_MS = 24 * 3_600_000;

export function expiryOf({ projectId, id: appId, retentionDays }: App): Expiry {
  return { projectId, appId, before: daysAgo(retentionDays), dispatch: false };
}

/** What is not to be stored is kept for a day all the same: its channel still has to tell what became of it. */
export function dispatchExpiryOf({ projectId, id: appId, dispatchRetentionDays }: App): Expiry {
  return { projectId, appId, before: daysAgo(Math.max(1, dispatchRetentionDays)), dispatch: true };
}

function daysAgo(days: number): Date {
  return new Date(Date.now() - days * DAY_MS);
}
