import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { GuardedAgent, OutboundStream } from '../outbound/guarded-agent.js';
import { isPrivateHost } from '../outbound/address.js';
import { OutboundError } from '../outbound/outbound-error.js';
import { nameOf } from './file-name.js';
import { SNIFFED_BYTES, typeOf } from './media-type.js';

const MAX_REDIRECTS = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Files of processes that died are deleted after this. */
const STALE_MS = 60 * 60_000;

export interface DownloadLimits {
  maxBytes: number;
  /** For the head of an answer, and for each pause in its body; in ms. */
  idle: number;
  allowPrivate: boolean;
}

export interface Downloaded {
  /** The caller's: it moves or deletes the file. */
  path: string;
  size: number;
  sha256: string;
  contentType: string;
  name: string;
}

/** There is no media to be had, and trying again changes nothing. The message is fit for the customer. */
export class NoMedia extends Error {
  override readonly name = 'NoMedia';
}

/** Brings media from addresses that others chose into a file, in as much memory as a few chunks take. */
export class Downloader {
  constructor(
    private readonly agent: GuardedAgent,
    /** Where files grow; of the same file system as where they are kept. */
    private readonly folder: string,
    private readonly limits: DownloadLimits,
  ) {}

  /** @throws NoMedia; OutboundError when it may work another time; whatever `signal` was aborted with when it was. */
  async download(url: string, signal: AbortSignal): Promise<Downloaded> {
    const answer = await this.follow(url, signal);
    try {
      const length = Number(first(answer.headers['content-length']) ?? 0);
      if (length > this.limits.maxBytes) throw this.tooLarge();
      await mkdir(this.folder, { recursive: true });
      return await this.keep(answer, url, signal);
    } finally {
      answer.close();
    }
  }

  /** Deletes what processes that died have left. */
  async clean(): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      const path = join(this.folder, name);
      const found = await stat(path).catch(() => null);
      if (found && found.mtimeMs < Date.now() - STALE_MS) await rm(path, { force: true });
    }
  }

  /** Each address on the way is checked like the first. */
  private async follow(url: string, signal: AbortSignal): Promise<OutboundStream> {
    if (!URL.canParse(url)) throw new NoMedia('the link is no address');
    for (let at = url, redirects = 0; ; redirects += 1) {
      if (!this.limits.allowPrivate && isPrivateHost(new URL(at)))
        throw new NoMedia(
          'the link leads to a private, loopback or otherwise special address, which may not be called',
        );
      const answer = await this.agent.open({ url: at, idle: this.limits.idle, signal });
      if (answer.status === 200) return answer;
      answer.close();
      if (!REDIRECTS.has(answer.status)) throw refusal(answer.status);
      if (redirects === MAX_REDIRECTS)
        throw new NoMedia(`the link redirects more than ${MAX_REDIRECTS} times`);
      at = targetOf(first(answer.headers.location), at);
    }
  }

  private async keep(answer: OutboundStream, url: string, signal: AbortSignal): Promise<Downloaded> {
    const path = join(this.folder, randomUUID());
    const hash = createHash('sha256');
    const start: Buffer[] = [];
    let size = 0;
    const measured = async function* (this: Downloader): AsyncGenerator<Buffer, void, void> {
      for await (const chunk of answer.body) {
        if (size < SNIFFED_BYTES) start.push(chunk);
        size += chunk.length;
        if (size > this.limits.maxBytes) throw this.tooLarge();
        hash.update(chunk);
        yield chunk;
      }
    }.bind(this);
    try {
      // On disk before it is said to be stored.
      await pipeline(measured, createWriteStream(path, { flush: true }), { signal });
      if (size === 0) throw new OutboundError('the answer is empty');
      const head = Buffer.concat(start).subarray(0, SNIFFED_BYTES);
      return {
        path,
        size,
        sha256: hash.digest('hex'),
        contentType: await typeOf(head, first(answer.headers['content-type'])),
        name: nameOf(url, first(answer.headers['content-disposition'])),
      };
    } catch (error) {
      await rm(path, { force: true });
      signal.throwIfAborted();
      throw error;
    }
  }

  private tooLarge(): NoMedia {
    return new NoMedia(`it is larger than ${this.limits.maxBytes} bytes (MEDIA_MAX_BYTES)`);
  }
}

/** What is not there, or not for us, will not be there later: a channel's links expire for good. */
function refusal(status: number): Error {
  const final = status >= 400 && status < 500 && status !== 408 && status !== 429;
  const message = `the channel's server answered with status ${status}`;
  return final ? new NoMedia(message) : new OutboundError(message);
}

function targetOf(location: string | undefined, from: string): string {
  const target = location !== undefined && URL.canParse(location, from) ? new URL(location, from) : null;
  if (!target || !/^https?:$/.test(target.protocol))
    throw new NoMedia('the link redirects to what is no http address');
  return target.href;
}

function first(header: string | string[] | undefined): string | undefined {
  return [header].flat()[0];
}
