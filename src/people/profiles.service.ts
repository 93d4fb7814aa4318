import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { ChannelPlugin, ConversationChannel, ProfileOutcome, SlowDown } from '../channels/channel.js';
import { ChannelsService } from '../channels/channels.service.js';
import type { ConnectedChannel } from '../channels/connections.js';
import { ChannelRegistry } from '../channels/registry.js';
import { contactEvents } from '../contacts/contact-events.js';
import type { Identity } from '../contacts/identities.js';
import type { RecordedEvent } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { JobsService } from '../jobs/jobs.service.js';
import type { NewJob } from '../jobs/task.js';
import { backoff } from '../messages/backoff.js';
import { pause } from '../messages/pauses.js';
import {
  type Account,
  accountsDue,
  type AskedProfile,
  type DueProfile,
  noteNew,
  rests,
  settleProfiles,
  takeDue,
} from './due-profiles.js';
import { fillIn, type News } from './known.js';

const DAY = 24 * 60 * 60_000;
/** What people call themselves changes seldom. */
const REFRESH_MS = 30 * DAY;
/** Permissions may be granted, and privacy settings changed. */
const REFUSED_MS = 7 * DAY;
/** Somebody else was changing the contact. */
const BUSY_MS = 5_000;
const TRIES = 8;
/** Calls at the same time for one account: the sends come first. */
const CALLS = 4;

/**
 * Asks channels who people are: once when they first appear, and again every month in which they write. By a job, so that
 * nothing that comes in ever waits for it.
 */
@Injectable()
export class ProfilesService implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(ProfilesService.name);
  private readonly stopping = new AbortController();

  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobsService,
    private readonly log: EventLog,
    private readonly channels: ChannelsService,
    private readonly registry: ChannelRegistry,
  ) {}

  onModuleInit(): void {
    this.log.addSink((tx, events) => this.note(tx, events));
    this.jobs.handle('profiles', ({ channel, ...app }) =>
      this.work({ ...app, channel: channel as ConversationChannel }),
    );
    this.jobs.onSweep(async () => {
      const jobs = (await accountsDue(this.dataSource)).map(jobOf);
      await this.jobs.add(this.dataSource.manager, jobs);
    });
  }

  onModuleDestroy(): void {
    this.stopping.abort();
  }

  /** New contacts are noted in the transaction that makes them. */
  private async note(tx: EntityManager, events: readonly RecordedEvent[]): Promise<void> {
    const people = events.flatMap((event) => {
      if (event.kind !== 'contact.created') return [];
      const identities = event.payload.contact.channelIdentities as Identity[] | undefined;
      return (identities ?? [])
        .filter(
          ({ channel, appId }) => appId === event.appId && this.registry.find(channel)?.profile !== undefined,
        )
        .map(({ channel, identity }) => ({
          projectId: event.projectId,
          appId: event.appId,
          channel,
          identity,
        }));
    });
    if (people.length === 0) return;
    await noteNew(tx, people);
    this.jobs.addSoon(tx, people.map(jobOf));
  }

  /** Job handler: asks for a few of those who are due. */
  private async work(account: Account): Promise<void> {
    const { projectId, appId, channel } = account;
    const plugin = this.registry.find(channel);
    const connection = await this.channels.credentials(projectId, appId, channel);
    // The sweep comes back to it once the channel has a token that works.
    if (!plugin?.profile || !connection || connection.state === 'NEEDS_REAUTH') return;
    if (await rests(this.dataSource, account)) return;
    const due = await takeDue(this.dataSource, account, REFRESH_MS);
    if (due.length === 0) return;
    await this.settle(account, due, await this.ask(account, plugin, connection, due));
    await this.jobs.add(this.dataSource.manager, [jobOf(account)]);
  }

  /** What the channel says of each; of those that are left when it wants no more calls, nothing. */
  private async ask(
    account: Account,
    plugin: ChannelPlugin,
    connection: ConnectedChannel,
    due: readonly DueProfile[],
  ): Promise<Map<string, ProfileOutcome>> {
    const outcomes = new Map<string, ProfileOutcome>();
    const waiting = [...due];
    let enough = false;
    const caller = async (): Promise<void> => {
      for (let next = waiting.shift(); next && !enough && plugin.profile; next = waiting.shift()) {
        const outcome = await plugin.profile(connection, next.identity, this.stopping.signal);
        outcomes.set(next.identity, outcome);
        if (outcome.slowDown) await this.slowDown(account, outcome.slowDown);
        if (outcome.kind === 'unauthorized')
          await this.markUnauthorized(account, outcome.reason.description, connection);
        enough ||= outcome.slowDown !== undefined || outcome.kind === 'unauthorized';
      }
    };
    await Promise.all(Array.from({ length: CALLS }, caller));
    return outcomes;
  }

  private async settle(
    account: Account,
    due: readonly DueProfile[],
    outcomes: ReadonlyMap<string, ProfileOutcome>,
  ): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const news = due.flatMap(({ identity, profile: before }): News[] => {
        const outcome = outcomes.get(identity);
        return outcome?.kind === 'profile' ? [{ identity, profile: outcome.profile, before }] : [];
      });
      const { changed, reached } = await fillIn(tx, account, news);
      const asked = due.map((person) => {
        const outcome = outcomes.get(person.identity);
        return outcome?.kind === 'profile' && !reached.has(person.identity)
          ? { ...unasked(person), againInMs: BUSY_MS }
          : askedOf(person, outcome);
      });
      await settleProfiles(tx, account, asked);
      const events = await contactEvents(tx, 'contact.updated', account.projectId, changed);
      await this.log.record(tx, events);
    });
  }

  private async slowDown(account: Account, slowDown: SlowDown): Promise<void> {
    const until = await pause(this.dataSource, account, slowDown);
    this.logger.warn(
      `app ${account.appId}: ${account.channel} wants fewer calls, none until ${until.toISOString()}`,
    );
  }

  private async markUnauthorized(
    { projectId, appId, channel }: Account,
    error: string,
    { token }: ConnectedChannel,
  ): Promise<void> {
    await this.channels.markNeedsReauth(projectId, appId, channel, error, token);
  }
}

function jobOf({ projectId, appId, channel }: Account): NewJob<'profiles'> {
  return { task: 'profiles', key: `profiles:${channel}:${appId}`, payload: { projectId, appId, channel } };
}

/** Left for when the channel takes calls again. */
function unasked({ identity }: DueProfile): AskedProfile {
  return { identity, profile: null, error: null, answered: false, againInMs: 0 };
}

function askedOf(person: DueProfile, outcome: ProfileOutcome | undefined): AskedProfile {
  const { identity, attempts } = person;
  if (!outcome || outcome.kind === 'unauthorized') return unasked(person);
  if (outcome.kind === 'profile') {
    return { identity, profile: outcome.profile, error: null, answered: true, againInMs: REFRESH_MS };
  }
  const { code, description } = outcome.reason;
  const told = { identity, profile: null, error: `${code}: ${description}` };
  if (outcome.kind === 'permanent') {
    return { ...told, answered: true, againInMs: code === 'NO_PROFILE_AVAILABLE' ? null : REFUSED_MS };
  }
  if (outcome.slowDown) return { ...told, answered: false, againInMs: 0 };
  if (attempts >= (outcome.tries ?? TRIES)) return { ...told, answered: true, againInMs: REFUSED_MS };
  return { ...told, answered: false, againInMs: Math.max(backoff(attempts), outcome.after ?? 0) };
}
