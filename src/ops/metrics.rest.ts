import { Controller, Get, Header } from '@nestjs/common';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { DataSource } from 'typeorm';
import { Public } from '../api/public.js';

const QUEUES = `
  SELECT
    (SELECT count(*) FROM sends)::int AS sends,
    (SELECT count(*) FROM webhook_deliveries_pending)::int AS deliveries,
    coalesce((SELECT extract(epoch FROM now() - min(attempt_or_due)) FROM (
      SELECT coalesce(attempt_at, next_attempt_at) AS attempt_or_due FROM sends WHERE next_attempt_at <= now()) due), 0)::float AS send_age`;

/** Prometheus metrics: the process, and what waits. */
@Public()
@Controller('metrics')
export class MetricsController {
  private readonly registry = new Registry();
  private readonly waiting: Gauge<'queue'>;
  private readonly age: Gauge;

  constructor(private readonly dataSource: DataSource) {
    collectDefaultMetrics({ register: this.registry });
    this.waiting = new Gauge({
      name: 'parley_queue_waiting',
      help: 'Rows that wait, by queue.',
      labelNames: ['queue'],
      registers: [this.registry],
    });
    this.age = new Gauge({
      name: 'parley_send_age_seconds',
      help: 'How long the oldest send that is due has been due.',
      registers: [this.registry],
    });
  }

  @Get()
  @Header('content-type', Registry.PROMETHEUS_CONTENT_TYPE)
  async metrics(): Promise<string> {
    const [row] =
      await this.dataSource.query<{ sends: number; deliveries: number; send_age: number }[]>(QUEUES);
    this.waiting.set({ queue: 'sends' }, row?.sends ?? 0);
    this.waiting.set({ queue: 'deliveries' }, row?.deliveries ?? 0);
    this.age.set(row?.send_age ?? 0);
    return this.registry.metrics();
  }
}
