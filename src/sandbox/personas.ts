import { randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { accept, type JsonObject, shape, text, url } from './judge/rules.js';
import type { Page } from './pages.js';

export interface Persona {
  id: string;
  name: string;
  profile_picture_url: string;
}

const body = shape({ name: text(50), profile_picture_url: url() }, {}, 'open');

/** Who else a page speaks as. Source: messenger-platform/send-messages/personas. */
@Injectable()
export class Personas {
  private readonly personas = new LRUCache<string, Persona & { pageId: string }>({ max: 5_000 });

  /** @throws GraphError when name or picture are refused */
  create(page: Page, params: JsonObject): { id: string } {
    const { name, profile_picture_url } = accept(body, params);
    const id = String(randomInt(1e14, 2.8e14));
    this.personas.set(id, { id, pageId: page.id, name, profile_picture_url });
    return { id };
  }

  /** The latest first, by cursor. */
  list(page: Page, { limit, after }: JsonObject): JsonObject {
    const size = Math.min(Math.max(Number(limit) || 25, 1), 100);
    const all = [...this.personas.values()].filter(({ pageId }) => pageId === page.id).map(shown);
    const start = all.findIndex(({ id }) => id === after) + 1;
    const data = all.slice(start, start + size);
    const [before, last] = [data.at(0)?.id, data.at(-1)?.id];
    return { data, ...(last === undefined ? {} : { paging: { cursors: { before, after: last } } }) };
  }

  find(id: string): (Persona & { pageId: string }) | undefined {
    return this.personas.peek(id);
  }

  /** What was sent under it stays. */
  delete(id: string): { success: true } {
    this.personas.delete(id);
    return { success: true };
  }

  clear(): void {
    this.personas.clear();
  }
}

function shown({ id, name, profile_picture_url }: Persona): Persona {
  return { name, profile_picture_url, id };
}
