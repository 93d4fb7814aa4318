import type { ApolloServerOptions, BaseContext } from '@apollo/server';
import { Injectable } from '@nestjs/common';
import { parse } from 'graphql';
import { LRUCache } from 'lru-cache';
import { readFileSync } from 'node:fs';
import { Config } from '../config.js';
import { DomainError } from '../errors.js';

type PersistedQueries = Exclude<ApolloServerOptions<BaseContext>['persistedQueries'], false | undefined>;

/** Apollo's prefix of the ids it asks its cache for. */
const APQ_PREFIX = 'apq:';
/** For texts that clients persist by themselves; the longest unused go first. */
const CACHE_BYTES = 8 * 1024 ** 2;

/**
 * Operations that a client may name by an id instead of sending their text: those of the manifest, which are known from the
 * start, and those that a client has sent before (Automatic Persisted Queries). With GRAPHQL_OPERATIONS_ONLY nothing but the
 * manifest runs.
 */
@Injectable()
export class KnownOperations {
  private readonly manifest: ReadonlyMap<string, string>;
  private readonly texts: ReadonlySet<string>;
  private readonly sent = new LRUCache<string, string>({
    maxSize: CACHE_BYTES,
    sizeCalculation: (text, id) => Buffer.byteLength(text) + id.length,
  });
  private readonly only: boolean;

  constructor(config: Config) {
    const { GRAPHQL_OPERATIONS: file } = config;
    this.manifest = file === undefined ? new Map() : readManifest(file);
    this.texts = new Set(this.manifest.values());
    this.only = config.GRAPHQL_OPERATIONS_ONLY;
  }

  /** What Apollo keeps the queries in that clients persist. */
  readonly persistedQueries: PersistedQueries = {
    cache: {
      get: async (key) => this.find(key.slice(APQ_PREFIX.length)),
      set: async (key, text) => {
        if (!this.only) this.sent.set(key.slice(APQ_PREFIX.length), text);
      },
      delete: async (key) => this.sent.delete(key.slice(APQ_PREFIX.length)),
    },
  };

  /**
   * The text of a request over WebSocket, whose protocol wants a query also where the extensions name one: an empty one then.
   * @throws DomainError INVALID_ARGUMENT of kind PERSISTED_QUERY_NOT_FOUND
   */
  textOf(query: string, extensions: Record<string, unknown> | null | undefined): string {
    const persisted = extensions?.persistedQuery as { sha256Hash?: unknown } | null | undefined;
    if (query !== '' || typeof persisted?.sha256Hash !== 'string') return query;
    const text = this.find(persisted.sha256Hash);
    if (text !== undefined) return text;
    // Clients know this message from Apollo Server, and send the text next.
    throw new DomainError('INVALID_ARGUMENT', 'PersistedQueryNotFound', [], 'PERSISTED_QUERY_NOT_FOUND');
  }

  /** @throws DomainError PERMISSION_DENIED for what is not in the manifest where nothing else may run. */
  assertAllowed(text: string): void {
    if (!this.only || this.texts.has(text)) return;
    throw new DomainError('PERMISSION_DENIED', 'the operation is not one of those that this server runs');
  }

  private find(id: string): string | undefined {
    return this.manifest.get(id) ?? this.sent.get(id);
  }
}

/**
 * Operations by id: {"<id>": "<text>"} as Relay's compiler writes it, or Apollo's
 * {"format": "apollo-persisted-query-manifest", "operations": [{"id", "body"}]}.
 * @throws Error that says what is wrong with the file
 */
function readManifest(file: string): Map<string, string> {
  try {
    const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const operations = entriesOf(manifest);
    if (operations.length === 0) throw new Error('it has no operations');
    for (const [id, text] of operations) assertOperation(id, text);
    return new Map(operations as [string, string][]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`GRAPHQL_OPERATIONS: ${file} is no manifest of operations: ${reason}`, { cause: error });
  }
}

function entriesOf(manifest: unknown): [unknown, unknown][] {
  if (typeof manifest !== 'object' || manifest === null || Array.isArray(manifest)) {
    throw new Error('it must be an object of ids and operations');
  }
  const { operations } = manifest as { operations?: unknown };
  if (!Array.isArray(operations)) return Object.entries(manifest);
  return operations.map((operation: { id?: unknown; body?: unknown } | null) => [
    operation?.id,
    operation?.body,
  ]);
}

function assertOperation(id: unknown, text: unknown): void {
  if (typeof id !== 'string' || typeof text !== 'string') {
    throw new Error('each operation must have an id and a text');
  }
  try {
    parse(text);
  } catch (error) {
    throw new Error(`operation ${id}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
