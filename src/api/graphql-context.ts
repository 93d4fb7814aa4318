import type { Request } from 'express';
import type DataLoader from 'dataloader';
import type { Caller } from '../access/caller.js';
import { newId } from '../ids.js';

/** What one GraphQL operation knows; made anew for each. */
export interface GraphqlContext {
  /** Credentials as given: the header, or `authorization` of a socket's connection_init. */
  authorization: string | undefined;
  /** Remote address. */
  address: string;
  requestId: string;
  /** Set by the guard. */
  caller?: Caller;
  /** Use `loaderOf`. A subscription's are emptied after every event. */
  loaders: Map<string, unknown>;
  /** Aborted when the client of a subscription is gone. */
  signal: AbortSignal;
}

export function httpContext(request: Request & { id?: unknown }): GraphqlContext {
  return {
    authorization: request.headers.authorization,
    address: request.ip ?? '',
    requestId: typeof request.id === 'string' ? request.id : newId(),
    loaders: new Map(),
    signal: new AbortController().signal,
  };
}

/** The operation's loader of that name, made on first use, so that one operation reads each row once and in batches. */
export function loaderOf<K, V, C = K>(
  context: GraphqlContext,
  key: string,
  factory: () => DataLoader<K, V, C>,
): DataLoader<K, V, C> {
  const found = context.loaders.get(key) as DataLoader<K, V, C> | undefined;
  if (found) return found;
  const made = factory();
  context.loaders.set(key, made);
  return made;
}
