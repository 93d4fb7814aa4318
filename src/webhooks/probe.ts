import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DomainError, invalid, notFound } from '../errors.js';
import { SecretBox } from '../secrets.js';
import { CallbackPoster } from './attempt.js';
import { callbackOf } from './callback.js';
import type { Attempt } from './delivery.js';
import { sampleOf } from './sample.js';
import { verdictOf } from './schedule.js';
import { loadTarget } from './target.js';
import type { WebhookTrigger } from './trigger.js';
import { WebhooksService } from './webhooks.service.js';

export interface TestResult {
  delivered: boolean;
  eventId: string;
  body: string;
  attempt: Attempt;
}

/** Tells a target of something made up, at once, so that a customer sees how it answers. */
@Injectable()
export class WebhookProbe {
  /** A target may take its time; nobody shall hold many calls to it open. */
  private readonly testing = new Set<string>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly webhooks: WebhooksService,
    private readonly secrets: SecretBox,
    private readonly poster: CallbackPoster,
  ) {}

  /** @throws DomainError NOT_FOUND, INVALID_ARGUMENT (a trigger that is never sent), RESOURCE_EXHAUSTED (a test is under way). */
  async test(projectId: string, webhookId: string, trigger: WebhookTrigger): Promise<TestResult> {
    const { appId } = await this.webhooks.get(projectId, webhookId);
    const target = await loadTarget(this.dataSource, this.secrets, { projectId, webhookId });
    if (!target) throw notFound('Webhook', webhookId);
    const event = sampleOf(trigger, { projectId, appId });
    const callback = event && callbackOf(event, target.app);
    if (!callback) throw invalid('trigger', 'sent', `trigger ${trigger} is never sent`);
    if (this.testing.has(webhookId))
      throw new DomainError('RESOURCE_EXHAUSTED', `a test of webhook ${webhookId} is under way`);
    this.testing.add(webhookId);
    try {
      const body = JSON.stringify(callback.body);
      const answer = await this.poster.post(target, event.id, body);
      const answered = answer.kind === 'answered' ? answer : null;
      return {
        delivered: answered !== null && verdictOf(answered.status) === 'delivered',
        eventId: event.id,
        body,
        attempt: {
          at: answer.at,
          responseCode: answered?.status ?? null,
          responseHead: answered?.head ?? null,
          error: answer.kind === 'unreachable' ? answer.error : null,
          durationMs: answer.durationMs,
        },
      };
    } finally {
      this.testing.delete(webhookId);
    }
  }
}
