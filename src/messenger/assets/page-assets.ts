import { createHash } from 'node:crypto';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { ConnectedCredentials } from '../../channels/channel.js';
import { queryRows } from '../../database/rows.js';
import { type Created, GraphClient } from '../graph/graph.client.js';
import type { MediaSource } from './media-template.js';
import type { Persona } from './persona.js';

/** What Meta keeps for a page once it was made there: saved media and personas. */
export type Asset = ({ kind: 'media' } & MediaSource) | ({ kind: 'persona' } & Persona);

/** Meta forgets saved media after 90 days. */
const MEDIA_DAYS = 80;
/** Meta may take 75 seconds to fetch a video. */
const FETCH_MS = 85_000;

const FIND = `
  SELECT asset_id FROM messenger_assets
  WHERE project_id = $1 AND app_id = $2 AND page_id = $3 AND fingerprint = $4 AND (expires_at IS NULL OR expires_at > now())`;

/** What has expired leaves when something new comes. */
const SAVE = `
  WITH expired AS (
    DELETE FROM messenger_assets
    WHERE project_id = $1 AND app_id = $2 AND page_id = $3 AND expires_at <= now() AND fingerprint <> $4
  )
  INSERT INTO messenger_assets (project_id, app_id, page_id, fingerprint, asset_id, expires_at)
  VALUES ($1, $2, $3, $4, $5, now() + make_interval(days => $6))
  ON CONFLICT (project_id, app_id, page_id, fingerprint)
  DO UPDATE SET asset_id = excluded.asset_id, expires_at = excluded.expires_at`;

const FORGET = `
  DELETE FROM messenger_assets
  WHERE project_id = $1 AND app_id = $2 AND page_id = $3 AND asset_id = ANY ($4::text[])`;

/** Makes each asset of a page once, whoever asks for it how often, and remembers its id. */
@Injectable()
export class PageAssets implements OnModuleDestroy {
  /** By app, page and fingerprint: many sends that want the same wait for one call. */
  private readonly making = new Map<string, Promise<Created>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly dataSource: DataSource,
    private readonly graph: GraphClient,
  ) {}

  /** A message that waits for an asset has not been sent: the next process makes it anew. */
  onModuleDestroy(): void {
    this.stopping.abort(new Error('the service is stopping'));
  }

  /** The id of the asset, or why it could not be made. */
  async get(credentials: ConnectedCredentials, asset: Asset): Promise<Created> {
    const key = [...placeOf(credentials), fingerprintOf(asset)];
    const running = this.making.get(key.join(' '));
    if (running) return running;
    const making = this.findOrMake(key, credentials, asset).finally(() => this.making.delete(key.join(' ')));
    this.making.set(key.join(' '), making);
    return making;
  }

  /** For ids that Meta does not know any more. */
  async forget(credentials: ConnectedCredentials, ids: string[]): Promise<void> {
    await this.dataSource.query(FORGET, [...placeOf(credentials), ids]);
  }

  private async findOrMake(key: string[], credentials: ConnectedCredentials, asset: Asset): Promise<Created> {
    const [known] = await queryRows<{ assetId: string }>(this.dataSource.manager, FIND, key);
    if (known) return { kind: 'created', id: known.assetId };
    const made = await this.make(credentials, asset);
    if (made.kind === 'created') {
      await this.dataSource.query(SAVE, [...key, made.id, asset.kind === 'media' ? MEDIA_DAYS : null]);
    }
    return made;
  }

  private make(credentials: ConnectedCredentials, asset: Asset): Promise<Created> {
    const how = { credentials, timeout: FETCH_MS, signal: this.stopping.signal };
    if (asset.kind === 'media') {
      const { type, url } = asset;
      const body = { message: { attachment: { type, payload: { url, is_reusable: true } } } };
      return this.graph.create({ ...how, edge: 'message_attachments', body, id: 'attachment_id' });
    }
    const { name, profile_picture_url } = asset;
    return this.graph.create({ ...how, edge: 'personas', body: { name, profile_picture_url }, id: 'id' });
  }
}

function placeOf({ projectId, appId, accountId }: ConnectedCredentials): [string, string, string] {
  return [projectId, appId, accountId ?? 'me'];
}

function fingerprintOf(asset: Asset): string {
  const parts =
    asset.kind === 'media'
      ? ['media', asset.type, asset.url]
      : ['persona', asset.name, asset.profile_picture_url];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
