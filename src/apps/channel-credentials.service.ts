import { Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Channel } from '../channels/channel.entity.js';
import { ChannelsService } from '../channels/channels.service.js';
import { ConversationChannelName } from '../channels/conversation-channel.js';
import { ChannelRegistry } from '../channels/registry.js';
import { DomainError, type FieldViolation, notFound } from '../errors.js';
import { SECRET_MASK, SecretBox } from '../secrets.js';
import { App } from './app.entity.js';
import {
  type ChannelCredential,
  maskedValues,
  MEMBERS,
  unmaskedValues,
  type Values,
} from './channel-credentials.js';

/** A credential as it is shown; its secrets are masked. */
export interface ShownCredential {
  channel: string;
  member: string;
  values: Values;
  callbackSecret: string;
  state: 'PENDING' | 'ACTIVE' | 'FAILING';
  description: string;
  /** The channel's own account; empty until known. */
  knownId: string;
  ordinal: number;
}

/** What is stored of an entry: all of it, or where its channel has a row of its own, the place alone. */
interface Kept {
  channel: string;
  given?: Required<ChannelCredential>;
  /** Why it could not be connected. */
  failure?: string;
}

/** What is to be done with the channels once the list is stored. */
interface Changes {
  connect: ChannelCredential[];
  disconnect: Channel[];
}

/**
 * An app's channels as the whole list that the Conversation API has them in. A channel that a plug-in serves is connected by its entry and
 * lives in `channels`; every other entry, and one that could not be connected, is kept here, and nothing is sent by it.
 */
@Injectable()
export class ChannelCredentialsService {
  private readonly logger = new Logger(ChannelCredentialsService.name);

  constructor(
    private readonly dataSource: DataSource,
    private readonly channels: ChannelsService,
    private readonly registry: ChannelRegistry,
    private readonly secrets: SecretBox,
  ) {}

  /** The credentials of each app, in the order of `apps`. */
  async list(projectId: string, apps: readonly App[]): Promise<ShownCredential[][]> {
    const channels = await this.channels.listByApps(
      projectId,
      apps.map(({ id }) => id),
    );
    return apps.map((app, index) => this.shown(this.keptOf(app), channels[index] ?? []));
  }

  /**
   * Replaces the whole list, then connects what is new and disconnects what is gone. What a channel refuses shows in the state of its
   * entry: the list stands.
   * @throws DomainError NOT_FOUND (app), INVALID_ARGUMENT (a mask that nothing stands behind)
   */
  async replace(projectId: string, appId: string, list: readonly ChannelCredential[]): Promise<void> {
    const { connect, disconnect } = await this.store(projectId, appId, list);
    for (const { id } of disconnect) {
      await this.channels.disconnect(projectId, id).catch((error: unknown) => {
        if (!(error instanceof DomainError)) throw error;
      });
    }
    for (const credential of connect) await this.connect(projectId, appId, credential);
  }

  /** For an app that is yet to be made. @throws DomainError INVALID_ARGUMENT where a mask is in the place of a secret. */
  assertGiven(list: readonly ChannelCredential[]): void {
    this.unmasked(list, [], []);
  }

  private async store(
    projectId: string,
    appId: string,
    list: readonly ChannelCredential[],
  ): Promise<Changes> {
    return this.dataSource.transaction(async (tx) => {
      const app = await tx.findOne(App, {
        where: { projectId, id: appId },
        lock: { mode: 'pessimistic_write' },
      });
      if (!app) throw notFound('App', appId);
      const [rows = []] = await this.channels.listByApps(projectId, [appId], tx);
      const whole = this.unmasked(list, this.keptOf(app), rows);
      const connect = whole.filter((credential) => this.isNew(credential, rows));
      const kept = whole.map((credential): Kept =>
        rows.some(({ channel }) => channel === credential.channel)
          ? { channel: credential.channel }
          : { channel: credential.channel, given: credential },
      );
      await tx.update(App, { projectId, id: appId }, { ...this.columnsOf(kept), updatedAt: new Date() });
      const named = new Set(list.map(({ channel }) => channel));
      return { connect, disconnect: rows.filter(({ channel }) => !named.has(channel)) };
    });
  }

  private async connect(projectId: string, appId: string, credential: ChannelCredential): Promise<void> {
    const [rows = []] = await this.channels.listByApps(projectId, [appId]);
    const pageId = rows.find(({ channel }) => channel === credential.channel)?.accountId ?? null;
    const input = {
      appId,
      channel: credential.channel as ConversationChannelName,
      token: String(credential.values.token),
      callbackSecret: credential.callbackSecret ?? '',
    };
    let failure: string | null;
    try {
      await this.channels.connect(projectId, input).catch((error: unknown) => {
        // The account that is known takes the new token all the same, and its state tells what is wrong with it.
        if (pageId === null || !(error instanceof DomainError)) throw error;
        return this.channels.connect(projectId, { ...input, pageId });
      });
      failure = null;
    } catch (error) {
      failure = error instanceof DomainError ? error.message : 'Parley failed; write the credentials again';
      if (!(error instanceof DomainError)) {
        const { channel } = credential;
        this.logger.error({ msg: 'a channel could not be connected', appId, channel, error: String(error) });
      }
    }
    await this.settle(projectId, appId, credential, failure);
  }

  /** Writes how a connect ended, unless the list has another entry by now. */
  private async settle(
    projectId: string,
    appId: string,
    { channel, values }: ChannelCredential,
    failure: string | null,
  ): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const app = await tx.findOne(App, {
        where: { projectId, id: appId },
        lock: { mode: 'pessimistic_write' },
      });
      if (!app) return;
      const kept = this.keptOf(app).map((entry): Kept => {
        if (entry.channel !== channel || entry.given?.values.token !== values.token) return entry;
        return failure === null ? { channel } : { ...entry, failure };
      });
      await tx.update(App, { projectId, id: appId }, this.columnsOf(kept));
    });
  }

  /** Whether a plug-in serves the channel and is to be told something that it was not told yet. */
  private isNew({ channel, values, callbackSecret }: ChannelCredential, rows: readonly Channel[]): boolean {
    if (!this.registry.find(channel) || typeof values.token !== 'string') return false;
    const row = rows.find((candidate) => candidate.channel === channel);
    return (
      row?.state !== 'ACTIVE' ||
      this.secrets.decrypt(row.token) !== values.token ||
      this.secrets.decrypt(row.callbackSecret) !== callbackSecret
    );
  }

  /** The list with the secrets that its masks stand for; a callback secret that is not mentioned stays. */
  private unmasked(
    list: readonly ChannelCredential[],
    kept: readonly Kept[],
    rows: readonly Channel[],
  ): ChannelCredential[] {
    const faults: FieldViolation[] = [];
    const whole = list.map((credential, index) => {
      const stored = this.storedOf(credential, kept, rows);
      const values = unmaskedValues(credential, stored?.values ?? null, (name) => {
        const path = `channelCredentials[${index}].${name}`;
        const message = `${path} is the mask, and nothing is stored that it could keep`;
        faults.push({ path, rule: 'masked', message });
      });
      const { callbackSecret } = credential;
      const same = callbackSecret === null || callbackSecret === SECRET_MASK;
      return {
        ...credential,
        values,
        callbackSecret: same ? (stored?.callbackSecret ?? '') : callbackSecret,
      };
    });
    const [first] = faults;
    if (first) throw new DomainError('INVALID_ARGUMENT', first.message, faults);
    return whole;
  }

  private storedOf(
    { channel, member, ordinal }: ChannelCredential,
    kept: readonly Kept[],
    rows: readonly Channel[],
  ): { values: Values; callbackSecret: string | null } | null {
    const row = rows.find((candidate) => candidate.channel === channel);
    if (row) {
      const callbackSecret = this.secrets.decrypt(row.callbackSecret);
      return { values: { token: this.secrets.decrypt(row.token) }, callbackSecret };
    }
    const given = kept.map((entry) => entry.given);
    return (
      given.find(
        (entry) => entry?.channel === channel && entry.member === member && entry.ordinal === ordinal,
      ) ?? null
    );
  }

  /** In the order of the list; then the channels that were connected otherwise. */
  private shown(kept: readonly Kept[], rows: readonly Channel[]): ShownCredential[] {
    const listed = kept.flatMap(({ channel, given, failure }) => {
      const row = rows.find((candidate) => candidate.channel === channel);
      if (row) return [this.connected(row)];
      return given ? [this.unconnected(given, failure)] : [];
    });
    const others = rows.filter(({ channel }) => !kept.some((entry) => entry.channel === channel));
    return [...listed, ...others.map((row) => this.connected(row))];
  }

  private connected(row: Channel): ShownCredential {
    const { channel, state, lastError, accountId } = row;
    return {
      channel,
      member: MEMBERS[channel]?.[0] ?? 'staticToken',
      values: { token: SECRET_MASK },
      callbackSecret: this.secrets.decrypt(row.callbackSecret) === '' ? '' : SECRET_MASK,
      state: state === 'NEEDS_REAUTH' ? 'FAILING' : state,
      description: lastError ?? '',
      knownId: accountId ?? '',
      ordinal: 0,
    };
  }

  private unconnected(given: ChannelCredential, failure: string | undefined): ShownCredential {
    const { channel, member, values, callbackSecret, ordinal } = given;
    const served = this.registry.find(channel) !== undefined;
    const description = served
      ? (failure ?? 'The channel has not answered yet.')
      : `Parley has no connector for ${channel}: the credentials are kept, and nothing is sent by them.`;
    return {
      channel,
      member,
      values: maskedValues(member, values),
      callbackSecret: callbackSecret ? SECRET_MASK : '',
      state: served && failure !== undefined ? 'FAILING' : 'PENDING',
      description,
      knownId: '',
      ordinal,
    };
  }

  private keptOf({ channelCredentials: sealed }: App): Kept[] {
    return sealed === '' ? [] : (JSON.parse(this.secrets.decrypt(sealed)) as Kept[]);
  }

  private columnsOf(kept: readonly Kept[]): Pick<App, 'channelOrder' | 'channelCredentials'> {
    return {
      channelOrder: [...new Set(kept.map(({ channel }) => channel))],
      channelCredentials: kept.length === 0 ? '' : this.secrets.encrypt(JSON.stringify(kept)),
    };
  }
}
