import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { leaveToCommit } from '../database/leave-to-commit.js';
import type { RecordedEvent, Snapshot } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { type KnownContact, type SaidMessage, storeContactWords, storeMessageWords } from './store.js';

/**
 * Keeps the words of whatever the log tells of, in the transaction that tells it: so nothing can come in, be edited or be taken back
 * without its words. Those of what is deleted go with it.
 */
@Injectable()
export class WordKeeper implements OnModuleInit {
  constructor(private readonly log: EventLog) {}

  onModuleInit(): void {
    this.log.addSink((tx, events) => this.keep(tx, events));
  }

  private keep(tx: EntityManager, events: readonly RecordedEvent[]): Promise<void> {
    const messages = new Map<string, SaidMessage>();
    const contacts = new Map<string, KnownContact>();
    for (const { kind, payload } of events) {
      // A status does not change what is said.
      if (kind === 'message.added' || (kind === 'message.updated' && !payload.status)) {
        // Nobody searches what was exchanged in DISPATCH mode: it is in no inbox.
        if (payload.message.dispatch !== true) put(messages, payload.message);
      } else if (kind === 'contact.created' || kind === 'contact.updated') put(contacts, payload.contact);
      else if (kind === 'contact.merged') put(contacts, payload.preserved);
    }
    leaveToCommit(tx, storeMessageWords(tx, [...messages.values()]));
    leaveToCommit(tx, storeContactWords(tx, [...contacts.values()]));
    return Promise.resolve();
  }
}

/** Snapshots have the fields of their entities. */
function put<T>(known: Map<string, T>, snapshot: Snapshot): void {
  known.set(String(snapshot.id), snapshot as T);
}
