import { randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { badParam, GraphError } from './graph.error.js';
import type { MediaType } from './judge/attachments.js';
import type { Page } from './pages.js';

export interface UploadedFile {
  originalname: string;
  mimetype: string;
  buffer: Buffer;
}

export interface SavedAttachment {
  pageId: string;
  type: MediaType;
  url?: string;
}

const DAY = 86_400_000;

/** Saved attachments (ids live 90 days, private to their page) and the bytes of uploaded files. */
@Injectable()
export class Attachments {
  private readonly saved = new LRUCache<string, SavedAttachment>({ max: 10_000, ttl: 90 * DAY });
  private readonly files = new LRUCache<string, UploadedFile>({
    maxSize: 64 * 1024 * 1024,
    sizeCalculation: (file) => file.buffer.byteLength + 1,
  });

  saveUrl(page: Page, type: MediaType, url: string): string {
    const id = String(randomInt(1e14, 2.8e14));
    this.saved.set(id, { pageId: page.id, type, url });
    return id;
  }

  /** @throws GraphError 100/2018047 when the part's content type does not fit the attachment type */
  saveFile(page: Page, type: MediaType, file: UploadedFile): string {
    if (type !== 'file' && !file.mimetype.startsWith(`${type}/`)) {
      throw new GraphError(badParam('Upload attachment failure.', 2018047));
    }
    const id = String(randomInt(1e14, 2.8e14));
    this.saved.set(id, { pageId: page.id, type });
    this.files.set(id, file);
    return id;
  }

  find(page: Page, id: string): SavedAttachment | undefined {
    const saved = this.saved.get(id);
    return saved?.pageId === page.id ? saved : undefined;
  }

  file(id: string): UploadedFile | undefined {
    return this.files.get(id);
  }

  clear(): void {
    this.saved.clear();
    this.files.clear();
  }
}
