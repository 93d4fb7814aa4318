import { Injectable } from '@nestjs/common';
import { Config } from './config.js';

/** Base of the URLs that Parley hands out. With `PORT=0` it is known only once the server listens. */
@Injectable()
export class PublicUrl {
  private listening: string | null = null;

  constructor(private readonly config: Config) {}

  /** Without a trailing slash. */
  base(): string {
    return (
      this.config.PUBLIC_URL ??
      this.listening ??
      `http://${this.config.HOST}:${this.config.PORT}`
    ).replace(/\/+$/, '');
  }

  /** Address of this process itself, whatever the public one is: the sandbox is reached by it. */
  local(): string {
    return this.listening ?? `http://127.0.0.1:${this.config.PORT}`;
  }

  listens(url: string): void {
    this.listening = url;
  }
}
