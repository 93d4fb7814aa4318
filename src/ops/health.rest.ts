import { Controller, Get, Res } from '@nestjs/common';
import type { Response } from 'express';
import { DataSource } from 'typeorm';
import { Public } from '../api/public.js';

const CHECK_MS = 2_000;

/** Liveness and readiness for whoever runs the process. */
@Public()
@Controller()
export class HealthController {
  constructor(private readonly dataSource: DataSource) {}

  /** The process answers. */
  @Get('healthz')
  live(): { status: string } {
    return { status: 'ok' };
  }

  /** The database answers, it is migrated, and so is the queue. 503 with what is missing otherwise. */
  @Get('readyz')
  async ready(@Res({ passthrough: true }) response: Response): Promise<Record<string, string>> {
    const checks = {
      database: await this.passes(() => this.dataSource.query('SELECT 1')),
      migrations: await this.passes(async () => {
        if (await this.dataSource.showMigrations()) throw new Error('there are pending migrations');
      }),
      queue: await this.passes(() =>
        this.dataSource.query('SELECT FROM graphile_worker._private_tasks LIMIT 1'),
      ),
    };
    const ready = Object.values(checks).every(Boolean);
    if (!ready) response.status(503);
    return {
      status: ready ? 'ready' : 'not ready',
      ...Object.fromEntries(Object.entries(checks).map(([name, ok]) => [name, ok ? 'ok' : 'failing'])),
    };
  }

  private async passes(check: () => Promise<unknown>): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const impatience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), CHECK_MS);
    });
    return Promise.race([check(), impatience])
      .then(
        () => true,
        () => false,
      )
      .finally(() => clearTimeout(timer));
  }
}
