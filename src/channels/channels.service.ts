import { Injectable, Logger } from '@nestjs/common';
import { DataSource, type EntityManager, In } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { DomainError, invalid, notFound } from '../errors.js';
import { snapshotOf } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { newId } from '../ids.js';
import { PublicUrl } from '../public-url.js';
import { SecretBox } from '../secrets.js';
import { Channel, type ChannelState } from './channel.entity.js';
import {
  type ChannelAccount,
  ChannelConnectError,
  type ChannelCredentials,
  type ChannelPlugin,
  type ConversationChannel,
} from './channel.js';
import type { ConnectChannelInput } from './channels.input.js';
import { ChannelConnections, type ChannelRoute, type ConnectedChannel } from './connections.js';
import { ChannelRegistry } from './registry.js';

/** How long the goodbye to a channel may delay a caller. */
const UNSUBSCRIBE_MS = 5_000;

/** How a channel is doing. */
export interface ChannelHealth {
  state: ChannelState;
  lastError: string | null;
}

/** Told what the caller wants done with the connection. */
export type ReconnectedListener = (channel: Channel, wish: { importHistory: boolean }) => Promise<void>;

/** A new token of a connected channel takes its place: history, identities and the channel's id stay. */
const STORE = `
  INSERT INTO channels (project_id, id, app_id, channel, state, account_id, display_name, token, callback_secret)
  VALUES ($1, $2, $3, $4, 'PENDING', $5, $6, $7, $8)
  ON CONFLICT (project_id, app_id, channel) DO UPDATE SET
    state = 'PENDING', account_id = excluded.account_id, last_error = NULL, updated_at = now(),
    display_name = coalesce(excluded.display_name, channels.display_name),
    token = excluded.token, callback_secret = excluded.callback_secret
  RETURNING *`;

/** An app's connections to channels. */
@Injectable()
export class ChannelsService {
  private readonly logger = new Logger(ChannelsService.name);
  private readonly listeners: ReconnectedListener[] = [];

  constructor(
    private readonly dataSource: DataSource,
    private readonly registry: ChannelRegistry,
    private readonly connections: ChannelConnections,
    private readonly events: EventLog,
    private readonly secrets: SecretBox,
    private readonly publicUrl: PublicUrl,
  ) {}

  /** Hears of every connect that leaves the channel able to send. */
  onReconnected(listener: ReconnectedListener): void {
    this.listeners.push(listener);
  }

  /**
   * Connects an app to a channel, or gives a connected one a new token. What the channel itself refuses later than at the
   * look-up of its account shows in the state of the answer.
   * @throws DomainError NOT_FOUND (app), INVALID_ARGUMENT (channel, token, pageId), UNAVAILABLE.
   */
  async connect(projectId: string, input: ConnectChannelInput): Promise<Channel> {
    const plugin = this.registry.get(input.channel);
    const credentials = await this.credentialsOf(projectId, plugin, input);
    const account = await attempt(() => plugin.lookUp(credentials));
    if (account instanceof ChannelConnectError) {
      if (!input.pageId) throw lookUpError(account);
    } else if (input.pageId && account.accountId !== input.pageId) {
      throw invalid(
        'pageId',
        'owner',
        `the token is of account ${account.accountId}, not of ${input.pageId}`,
      );
    }
    const known = account instanceof ChannelConnectError ? null : account;
    credentials.accountId = known?.accountId ?? credentials.accountId;
    const stored = await this.store(projectId, input.appId, plugin.channel, credentials, known);
    // Only now: the channel may call back at once, and must find what was committed.
    const failure = known
      ? await attempt(() => plugin.subscribe(credentials, this.callbackUrl(input.appId)))
      : account;
    const channel = await this.settle(stored, failure instanceof ChannelConnectError ? failure : null);
    if (channel.state !== 'NEEDS_REAUTH')
      await this.announce(channel, { importHistory: input.importHistory ?? false });
    return channel;
  }

  async disconnect(projectId: string, id: string): Promise<void> {
    const [channel] = await queryRows<Channel>(
      this.dataSource.manager,
      `DELETE FROM channels WHERE project_id = $1 AND id = $2 RETURNING *`,
      [projectId, id],
    );
    if (!channel) throw notFound('Channel', id);
    await this.release([channel]);
  }

  async get(projectId: string, id: string): Promise<Channel> {
    const channel = await this.dataSource.manager.findOneBy(Channel, { projectId, id });
    if (!channel) throw notFound('Channel', id);
    return channel;
  }

  /**
   * The channels of each app, in the order of `appIds`.
   * @param tx of a caller that is in a transaction, which must not wait for a second connection.
   */
  async listByApps(
    projectId: string,
    appIds: readonly string[],
    tx: EntityManager = this.dataSource.manager,
  ): Promise<Channel[][]> {
    const channels = await tx.find(Channel, {
      where: { projectId, appId: In([...appIds]) },
      order: { id: 'ASC' },
    });
    const byApp = Map.groupBy(channels, (channel) => channel.appId);
    return appIds.map((appId) => byApp.get(appId) ?? []);
  }

  /** Where a channel's webhook belongs; null when there is no such app. Served from memory for a few seconds. */
  route(appId: string, channel: ConversationChannel): Promise<ChannelRoute | null> {
    return this.connections.route(appId, channel);
  }

  /** What it takes to send; null when the app does not have the channel. Served from memory for a few seconds. */
  credentials(
    projectId: string,
    appId: string,
    channel: ConversationChannel,
  ): Promise<ConnectedChannel | null> {
    return this.connections.credentials(projectId, appId, channel);
  }

  /** @see markState */
  async markNeedsReauth(
    projectId: string,
    appId: string,
    channel: ConversationChannel,
    error: string,
    token?: string,
  ): Promise<void> {
    await this.markState(projectId, appId, channel, { state: 'NEEDS_REAUTH', lastError: error }, token);
  }

  /**
   * Records how the channel is doing; nothing happens when that is known already.
   * @param token the one that was used. When the channel has another by now, what was learnt is out of date and ignored.
   */
  async markState(
    projectId: string,
    appId: string,
    channel: ConversationChannel,
    health: ChannelHealth,
    token?: string,
  ): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const [row] = await queryRows<Channel>(
        tx,
        `SELECT * FROM channels WHERE project_id = $1 AND app_id = $2 AND channel = $3 FOR NO KEY UPDATE`,
        [projectId, appId, channel],
      );
      if (!row || (token !== undefined && this.secrets.decrypt(row.token) !== token)) return;
      await this.update(tx, row, health);
    });
    this.connections.forget(appId, channel);
  }

  /** Asks the channels of every project for their webhooks again: the sandbox forgets who subscribed when it restarts. */
  async resubscribeAll(): Promise<void> {
    for (const channel of await this.dataSource.manager.find(Channel)) {
      const { appId, accountId } = channel;
      const credentials = {
        accountId,
        token: this.secrets.decrypt(channel.token),
        callbackSecret: this.secrets.decrypt(channel.callbackSecret),
      };
      await attempt(() => this.registry.get(channel.channel).subscribe(credentials, this.callbackUrl(appId)));
    }
  }

  callbackUrl(appId: string): string {
    return `${this.publicUrl.base()}/adapter/v1/${appId}/callback`;
  }

  /** For channels whose rows are gone: forgets them here and says goodbye to the channel, which may not care to listen. */
  async release(channels: readonly Channel[]): Promise<void> {
    for (const { appId, channel } of channels) this.connections.forget(appId, channel);
    await Promise.all(channels.map((channel) => this.unsubscribe(channel)));
  }

  private async credentialsOf(
    projectId: string,
    plugin: ChannelPlugin,
    { appId, token, callbackSecret, pageId }: ConnectChannelInput,
  ): Promise<ChannelCredentials> {
    const [found] = await queryRows<{ callbackSecret: string | null }>(
      this.dataSource.manager,
      `SELECT c.callback_secret FROM apps a
       LEFT JOIN channels c ON c.project_id = a.project_id AND c.app_id = a.id AND c.channel = $3
       WHERE a.project_id = $1 AND a.id = $2`,
      [projectId, appId, plugin.channel],
    );
    if (!found) throw notFound('App', appId);
    const kept = found.callbackSecret === null ? '' : this.secrets.decrypt(found.callbackSecret);
    return { token, callbackSecret: callbackSecret ?? kept, accountId: pageId ?? null };
  }

  private async store(
    projectId: string,
    appId: string,
    channel: ConversationChannel,
    credentials: ChannelCredentials,
    account: ChannelAccount | null,
  ): Promise<Channel> {
    const stored = await this.dataSource.transaction(async (tx) => {
      const [row] = await queryRows<Channel>(tx, STORE, [
        projectId,
        newId(),
        appId,
        channel,
        credentials.accountId,
        account?.displayName ?? null,
        this.secrets.encrypt(credentials.token),
        this.secrets.encrypt(credentials.callbackSecret),
      ]);
      if (!row) throw new Error('a channel was not stored');
      await this.record(tx, row);
      return row;
    });
    this.connections.forget(appId, channel);
    return stored;
  }

  /** Writes how the connect ended, unless somebody has given the channel yet another token meanwhile. */
  private async settle(stored: Channel, failure: ChannelConnectError | null): Promise<Channel> {
    const state = failure ? (failure.unauthorized ? 'NEEDS_REAUTH' : 'FAILING') : 'ACTIVE';
    const settled = await this.dataSource.transaction(async (tx) => {
      const { projectId, id } = stored;
      const [row] = await queryRows<Channel>(
        tx,
        `SELECT * FROM channels WHERE project_id = $1 AND id = $2 FOR NO KEY UPDATE`,
        [projectId, id],
      );
      if (row?.token !== stored.token) return row;
      return this.update(tx, row, { state, lastError: failure?.message ?? null });
    });
    this.connections.forget(stored.appId, stored.channel);
    if (!settled) throw notFound('Channel', stored.id);
    return settled;
  }

  private async update(
    tx: EntityManager,
    row: Channel,
    { state, lastError }: ChannelHealth,
  ): Promise<Channel> {
    if (row.state === state && row.lastError === lastError) return row;
    const [updated] = await queryRows<Channel>(
      tx,
      `UPDATE channels SET state = $3, last_error = $4, updated_at = now()
       WHERE project_id = $1 AND id = $2 RETURNING *`,
      [row.projectId, row.id, state, lastError],
    );
    if (!updated) throw new Error(`channel ${row.id} is gone although it was locked`);
    await this.record(tx, updated);
    return updated;
  }

  private async record(tx: EntityManager, channel: Channel): Promise<void> {
    const { projectId, appId } = channel;
    const snapshot = snapshotOf({ ...channel, token: undefined, callbackSecret: undefined });
    await this.events.record(tx, [
      { projectId, appId, kind: 'channel.updated', payload: { channel: snapshot } },
    ]);
  }

  private async announce(channel: Channel, wish: { importHistory: boolean }): Promise<void> {
    for (const listener of this.listeners) {
      await listener(channel, wish).catch((error: unknown) => {
        this.logger.error({
          msg: 'a reconnected channel was not taken up',
          channelId: channel.id,
          error: String(error),
        });
      });
    }
  }

  private async unsubscribe({ channel, accountId, token, callbackSecret, id }: Channel): Promise<void> {
    const credentials = {
      accountId,
      token: this.secrets.decrypt(token),
      callbackSecret: this.secrets.decrypt(callbackSecret),
    };
    let timer: NodeJS.Timeout | undefined;
    const impatience = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), UNSUBSCRIBE_MS);
    });
    try {
      await Promise.race([this.registry.get(channel).unsubscribe(credentials), impatience]);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.logger.warn({ msg: 'a disconnected channel could not be unsubscribed', channelId: id, reason });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What the plug-in says, or why it could not. */
async function attempt<T>(call: () => Promise<T>): Promise<T | ChannelConnectError> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof ChannelConnectError) return error;
    throw error;
  }
}

function lookUpError({ unauthorized, message }: ChannelConnectError): DomainError {
  if (unauthorized) return invalid('token', 'accepted', `the channel refused the token: ${message}`);
  return new DomainError(
    'UNAVAILABLE',
    `the channel could not be asked whose token this is (${message}); try again, or give pageId`,
  );
}
