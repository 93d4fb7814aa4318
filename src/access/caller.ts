import { DomainError, notFound } from '../errors.js';

/** What an agent may do with the token of an inbox: VIEWER reads and subscribes, AGENT also sends and keeps the inbox. */
export type InboxRole = 'VIEWER' | 'AGENT';

/** Who is calling: a project, by one of its access keys. */
export interface Caller {
  projectId: string;
  keyId: string;
  /** Set when called by a token: from then on it is refused, and what it opened must end. */
  expiresAt?: Date;
  /** Set when a person calls by an inbox token, which reaches some apps of the project only. */
  inbox?: InboxAccess;
}

/** What an inbox token allows. */
export interface InboxAccess {
  agentId: string;
  role: InboxRole;
  appIds: readonly string[];
}

/** Whether the caller may know of an app at all. An access key reaches every app of its project. */
export function reaches({ inbox }: Caller, appId: string): boolean {
  return inbox === undefined || inbox.appIds.includes(appId);
}

/** @throws DomainError NOT_FOUND, as for an app that does not exist: nothing outside of a token's apps shows. */
export function assertReaches(caller: Caller, appId: string, resource = 'App', id = appId): void {
  if (!reaches(caller, appId)) throw notFound(resource, id);
}

/** Who did it, as the inbox tells it: the agent of an inbox token; null for an access key. */
export function agentIdOf({ inbox }: Caller): string | null {
  return inbox?.agentId ?? null;
}

/** @throws DomainError PERMISSION_DENIED for an inbox token: what only those see who run the app. */
export function assertAccessKey({ inbox }: Caller): void {
  if (inbox)
    throw new DomainError('PERMISSION_DENIED', 'an inbox token does not open this; use an access key');
}
