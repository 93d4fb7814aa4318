import {
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Config } from '../config.js';
import type { MediaKey } from './media-row.js';
import { type ByteRange, MediaStorage } from './storage.js';

const CONNECT_MS = 3_000;
/** How long a socket may be idle. */
const SILENCE_MS = 20_000;

/** A bucket of S3 or of what speaks like it. */
export class S3Storage extends MediaStorage {
  private readonly client: S3Client;
  private readonly bucket: string;

  constructor(config: Config) {
    super();
    const { MEDIA_S3_ACCESS_KEY_ID: accessKeyId, MEDIA_S3_SECRET_ACCESS_KEY: secretAccessKey } = config;
    this.bucket = config.MEDIA_S3_BUCKET ?? '';
    this.client = new S3Client({
      endpoint: config.MEDIA_S3_ENDPOINT,
      region: config.MEDIA_S3_REGION,
      forcePathStyle: config.MEDIA_S3_PATH_STYLE,
      ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {}),
      // Checksums of Amazon's own are unknown to others who speak S3.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
      // What fails is thrown as well, to who knows what it means.
      logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    });
  }

  async put(key: MediaKey, file: { path: string; contentType: string }, signal: AbortSignal): Promise<void> {
    const { size } = await stat(file.path);
    const body = createReadStream(file.path);
    try {
      await this.client.send(
        new PutObjectCommand({
          Bucket: this.bucket,
          Key: nameOf(key),
          Body: body,
          ContentLength: size,
          ContentType: file.contentType,
        }),
        { abortSignal: signal },
      );
    } finally {
      body.destroy();
    }
    await rm(file.path, { force: true });
  }

  async open(key: MediaKey, range: ByteRange | null): Promise<Readable | null> {
    try {
      const { Body } = await this.client.send(
        new GetObjectCommand({
          Bucket: this.bucket,
          Key: nameOf(key),
          ...(range ? { Range: `bytes=${range.start}-${range.end}` } : {}),
        }),
      );
      // In Node it is a stream of Node's.
      return (Body as Readable | undefined) ?? null;
    } catch (error) {
      if (error instanceof NoSuchKey) return null;
      throw error;
    }
  }

  async delete(key: MediaKey): Promise<void> {
    await this.client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: nameOf(key) }));
  }
}

function nameOf({ projectId, id }: MediaKey): string {
  return `${projectId}/${id}`;
}

function ignore(): void {
  // said elsewhere
}
