import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { SecretBox } from '../secrets.js';
import type { ConnectedCredentials, ConversationChannel } from './channel.js';
import type { ChannelState } from './channel.entity.js';

/** A change made by another process is seen within this time. */
const CACHE_MS = 2_000;
const MAX_CACHED = 10_000;

/** Where a channel's webhook belongs. */
export interface ChannelRoute {
  projectId: string;
  appId: string;
  /** Empty when the app does not have the channel. */
  channelId: string;
  accountId: string | null;
  /** Empty: signatures are not checked. */
  callbackSecret: string;
}

/** What it takes to send. */
export interface ConnectedChannel extends ConnectedCredentials {
  channelId: string;
  state: ChannelState;
}

type Connection = ChannelRoute & Omit<ConnectedChannel, 'callbackSecret'>;

interface ConnectionRow {
  projectId: string;
  channelId: string | null;
  state: ChannelState | null;
  accountId: string | null;
  token: string | null;
  callbackSecret: string | null;
}

/** The app id of a channel's webhook tells the project: this is one of the few reads that begin without it. */
const FIND = `
  SELECT r.project_id, c.id AS channel_id, c.state, c.account_id, c.token, c.callback_secret
  FROM app_routes r
  LEFT JOIN channels c ON c.project_id = r.project_id AND c.app_id = r.app_id AND c.channel = $2
  WHERE r.app_id = $1`;

/** Channels with their secrets decrypted, for the hot paths in and out: kept for seconds, so that a message costs no query. */
@Injectable()
export class ChannelConnections {
  private readonly cache = new LRUCache<string, { found: Connection | null }, [string, string]>({
    max: MAX_CACHED,
    ttl: CACHE_MS,
    ignoreFetchAbort: true,
    fetchMethod: async (_key, _stale, { context: [appId, channel] }) => ({
      found: await this.find(appId, channel),
    }),
  });

  constructor(
    private readonly dataSource: DataSource,
    private readonly secrets: SecretBox,
  ) {}

  /** Null when there is no such app. */
  async route(appId: string, channel: ConversationChannel): Promise<ChannelRoute | null> {
    return this.read(appId, channel);
  }

  /** Null when the app does not have the channel. */
  async credentials(
    projectId: string,
    appId: string,
    channel: ConversationChannel,
  ): Promise<ConnectedChannel | null> {
    const found = await this.read(appId, channel);
    return found?.projectId === projectId && found.channelId !== '' ? found : null;
  }

  forget(appId: string, channel: string): void {
    this.cache.delete(keyOf(appId, channel));
  }

  private async read(appId: string, channel: string): Promise<Connection | null> {
    const { found } = await this.cache.forceFetch(keyOf(appId, channel), { context: [appId, channel] });
    return found;
  }

  private async find(appId: string, channel: string): Promise<Connection | null> {
    const [row] = await queryRows<ConnectionRow>(this.dataSource.manager, FIND, [appId, channel]);
    if (!row) return null;
    return {
      projectId: row.projectId,
      appId,
      channelId: row.channelId ?? '',
      state: row.state ?? 'PENDING',
      accountId: row.accountId,
      token: row.token === null ? '' : this.secrets.decrypt(row.token),
      callbackSecret: row.callbackSecret === null ? '' : this.secrets.decrypt(row.callbackSecret),
    };
  }
}

function keyOf(appId: string, channel: string): string {
  return `${channel} ${appId}`;
}
