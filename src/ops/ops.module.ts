import { Module } from '@nestjs/common';
import { HealthController } from './health.rest.js';
import { MetricsController } from './metrics.rest.js';

@Module({ controllers: [HealthController, MetricsController] })
export class OpsModule {}
