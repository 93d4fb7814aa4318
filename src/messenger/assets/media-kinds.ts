import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { GuardedAgent } from '../../outbound/guarded-agent.js';

export type MediaKind = 'image' | 'audio' | 'video';

const TIMEOUT_MS = 3_000;
const HOUR = 3_600_000;
const MINUTE = 60_000;

/** Tells what an address holds by the content type that it answers with, for media that neither name nor extension explains. */
@Injectable()
export class MediaKinds {
  private readonly cache = new LRUCache<string, { kind: MediaKind | null }>({
    max: 10_000,
    ttl: HOUR,
    ignoreFetchAbort: true,
    fetchMethod: async (url, _stale, { options }) => {
      const asked = await this.ask(url);
      if (asked === undefined) options.ttl = MINUTE;
      return { kind: asked ?? null };
    },
  });

  constructor(private readonly agent: GuardedAgent) {}

  /** Null for any other file, and where the address does not tell. */
  async of(url: string): Promise<MediaKind | null> {
    return (await this.cache.fetch(url))?.kind ?? null;
  }

  /** Undefined when it could not be asked. GET rather than HEAD, which signed addresses refuse; no more than a byte is read. */
  private async ask(url: string): Promise<MediaKind | null | undefined> {
    try {
      const headers = { range: 'bytes=0-0' };
      const answer = await this.agent.call({ method: 'GET', url, headers, timeout: TIMEOUT_MS, limit: 0 });
      const type = answer.headers['content-type'];
      return answer.status === 200 || answer.status === 206 ? kindOf(String(type)) : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Source: messenger-platform/send-messages/saving-assets. */
function kindOf(contentType: string): MediaKind | null {
  const [, kind, format] = /^(image|audio|video)\/([\w.+-]+)/i.exec(contentType.toLowerCase()) ?? [];
  if (kind === 'image') return ['jpeg', 'png', 'gif', 'webp'].includes(format ?? '') ? kind : null;
  return kind === 'audio' || kind === 'video' ? kind : null;
}
