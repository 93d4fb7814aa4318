import { Injectable } from '@nestjs/common';
import { assertReaches, type Caller } from '../access/caller.js';
import { AppsService } from '../apps/apps.service.js';
import { decodePosition, encodePosition, ORIGIN } from '../events/cursor.js';
import type { Position } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import type { PageRequest } from '../page.js';
import { keysetOf } from '../page.js';
import { inboxEventFor } from './inbox-event.js';

const DEFAULT_SIZE = 100;
/** Rows of the log that one page looks at, most of which may be nothing to show: the page ends there, and tells where. */
const MAX_READ = 2_000;

/** Part of an app's log, oldest first. */
export interface PulledEvents {
  items: { cursor: string; node: object }[];
  /** Everything up to here has been looked at; there may be no event at this very place. */
  end: string;
  /** False once everything that has happened so far was looked at. */
  more: boolean;
}

/** The event log for those who ask from time to time instead of subscribing. */
@Injectable()
export class PullService {
  constructor(
    private readonly apps: AppsService,
    private readonly log: EventLog,
  ) {}

  /** @throws DomainError NOT_FOUND, INVALID_ARGUMENT (size, cursor), CURSOR_EXPIRED */
  async pull(
    caller: Caller,
    appId: string,
    { first, after }: Pick<PageRequest, 'first' | 'after'>,
  ): Promise<PulledEvents> {
    assertReaches(caller, appId);
    const { limit } = keysetOf({ first }, 0, DEFAULT_SIZE);
    const start = after == null ? ORIGIN : decodePosition(after);
    await this.apps.get(caller.projectId, appId);
    await this.log.assertReadable(start);
    return this.read(caller, appId, start, limit);
  }

  private async read(caller: Caller, appId: string, start: Position, limit: number): Promise<PulledEvents> {
    const app = { projectId: caller.projectId, appId };
    const items: PulledEvents['items'] = [];
    let position = start;
    for (let read = 0; read < MAX_READ; read += limit + 1) {
      const { events, end } = await this.log.read(app, position, limit + 1);
      for (const event of events) {
        const node = inboxEventFor(caller, event);
        if (!node) continue;
        if (items.length === limit) return { items, end: items.at(-1)?.cursor ?? '', more: true };
        items.push({ cursor: encodePosition(event.position), node });
      }
      position = end;
      if (events.length <= limit) return { items, end: encodePosition(position), more: false };
    }
    return { items, end: encodePosition(position), more: true };
  }
}
