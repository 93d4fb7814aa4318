import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, In, QueryFailedError } from 'typeorm';
import { App } from '../apps/app.entity.js';
import { Config } from '../config.js';
import { queryRows } from '../database/rows.js';
import { DomainError, invalid, notFound } from '../errors.js';
import { newId } from '../ids.js';
import { JobsService } from '../jobs/jobs.service.js';
import { isPrivateHost } from '../outbound/address.js';
import { keysetOf, type Page, pageOf, type PageRequest } from '../page.js';
import { SecretBox } from '../secrets.js';
import type { ClientCredentials } from './client-credentials.js';
import { deliverJob, MAX_WEBHOOKS_PER_APP } from './enqueue.js';
import type { WebhookTrigger } from './trigger.js';
import { Webhook } from './webhook.entity.js';
import {
  type ClientCredentialsInput,
  type CreateWebhookInput,
  TokenRequestType,
  type UpdateWebhookInput,
  WebhookTargetType,
} from './webhooks.input.js';

export const DELIVERY_STATUSES = ['PENDING', 'DELIVERED', 'DEAD'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** One event on its way to one webhook. */
export interface Delivery {
  id: string;
  webhookId: string;
  eventId: string;
  trigger: WebhookTrigger;
  status: DeliveryStatus;
  attempts: number;
  /** Of a retry; null when none is planned. */
  nextAttemptAt: Date | null;
  lastAttemptAt: Date | null;
  responseCode: number | null;
  /** The first kilobyte of the answer. */
  responseHead: string | null;
  /** Why there was no answer. */
  error: string | null;
  durationMs: number | null;
  createdAt: Date;
}

interface DeliveryRow extends Delivery {
  eventSeq: string;
}

const UNIQUE_VIOLATION = '23505';

/** Customers' webhooks and what became of their deliveries. */
@Injectable()
export class WebhooksService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobsService,
    private readonly secrets: SecretBox,
    private readonly config: Config,
  ) {}

  /** @throws DomainError NOT_FOUND (app), INVALID_ARGUMENT (target, endpoint), FAILED_PRECONDITION (too many). */
  async create(projectId: string, input: CreateWebhookInput): Promise<Webhook> {
    this.assertUrl('target', input.target);
    const { appId, target, targetType, secret, triggers, clientCredentials } = input;
    const webhook = {
      projectId,
      id: newId(),
      appId,
      target,
      targetType: targetType ?? WebhookTargetType.HTTP,
      secret: this.sealed(secret),
      triggers: triggers ?? [],
      clientCredentials: this.credentials(clientCredentials, null),
    };
    return this.dataSource.transaction(async (tx) => {
      await lockApp(tx, projectId, appId);
      if ((await tx.countBy(Webhook, { projectId, appId })) >= MAX_WEBHOOKS_PER_APP) {
        throw new DomainError(
          'FAILED_PRECONDITION',
          `an app has at most ${MAX_WEBHOOKS_PER_APP} webhooks; delete one first`,
        );
      }
      await distinctTarget(tx.insert(Webhook, webhook));
      return tx.findOneByOrFail(Webhook, { projectId, id: webhook.id });
    });
  }

  /** @throws DomainError NOT_FOUND */
  async get(projectId: string, id: string): Promise<Webhook> {
    return this.find(this.dataSource.manager, projectId, id);
  }

  /** In order of creation. @throws DomainError NOT_FOUND (app) */
  async list(projectId: string, appId: string): Promise<Webhook[]> {
    if (!(await this.dataSource.manager.existsBy(App, { projectId, id: appId })))
      throw notFound('App', appId);
    return (await this.listByApps(projectId, [appId]))[0] ?? [];
  }

  /** The webhooks of each app, in the order of `appIds`. */
  async listByApps(projectId: string, appIds: readonly string[]): Promise<Webhook[][]> {
    const webhooks = await this.dataSource.manager.find(Webhook, {
      where: { projectId, appId: In([...appIds]) },
      order: { id: 'ASC' },
    });
    const byApp = Map.groupBy(webhooks, (webhook) => webhook.appId);
    return appIds.map((appId) => byApp.get(appId) ?? []);
  }

  /** What stands in a webhook's client credentials. */
  clientCredentials({ clientCredentials }: Webhook): ClientCredentials | null {
    return clientCredentials === null
      ? null
      : (JSON.parse(this.secrets.decrypt(clientCredentials)) as ClientCredentials);
  }

  /**
   * Changes what is given; any change enables a webhook that was disabled, and has its target tried at once.
   * @throws DomainError NOT_FOUND, INVALID_ARGUMENT (target, endpoint).
   */
  async update(projectId: string, id: string, input: UpdateWebhookInput): Promise<Webhook> {
    if (input.target !== undefined) this.assertUrl('target', input.target);
    return this.dataSource.transaction(async (tx) => {
      const stored = await this.find(tx, projectId, id);
      const { target = stored.target, targetType = stored.targetType, triggers = stored.triggers } = input;
      const { secret, clientCredentials } = input;
      await distinctTarget(
        tx.update(
          Webhook,
          { projectId, id },
          {
            target,
            targetType,
            triggers,
            secret: secret === undefined ? stored.secret : this.sealed(secret),
            clientCredentials:
              clientCredentials === undefined
                ? stored.clientCredentials
                : this.credentials(clientCredentials, this.clientCredentials(stored)),
            disabledAt: null,
            disabledReason: null,
            failingSince: null,
            pausedUntil: null,
            updatedAt: new Date(),
          },
        ),
      );
      await this.jobs.add(tx, [deliverJob({ projectId, webhookId: id })]);
      return tx.findOneByOrFail(Webhook, { projectId, id });
    });
  }

  /** What waits for it is dropped. @throws DomainError NOT_FOUND */
  async delete(projectId: string, id: string): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const { affected } = await tx.delete(Webhook, { projectId, id });
      if (!affected) throw notFound('Webhook', id);
      await this.jobs.add(tx, [deliverJob({ projectId, webhookId: id })]);
    });
  }

  /** The latest events first. @throws DomainError NOT_FOUND */
  async deliveries(
    projectId: string,
    webhookId: string,
    status: DeliveryStatus | null,
    page: PageRequest,
  ): Promise<Page<Delivery>> {
    await this.get(projectId, webhookId);
    const keyset = keysetOf(page, 2);
    const [sign, order] = keyset.backward ? ['>', 'ASC'] : ['<', 'DESC'];
    // Spelt out rather than passed, so that Postgres leaves out the table that cannot have it.
    const wanted = DELIVERY_STATUSES.find((name) => name === status);
    const rows = await queryRows<DeliveryRow>(
      this.dataSource.manager,
      `SELECT * FROM webhook_deliveries WHERE project_id = $1 AND webhook_id = $2 ${wanted ? `AND status = '${wanted}'` : ''}
       ${keyset.position ? `AND (event_seq, id) ${sign} ($4::bigint, $5)` : ''}
       ORDER BY event_seq ${order}, id ${order} LIMIT $3`,
      [projectId, webhookId, keyset.limit + 1, ...positionOf(keyset.position)],
    );
    return pageOf(rows, keyset, ({ eventSeq, id }) => [eventSeq, id]);
  }

  private async find(tx: EntityManager, projectId: string, id: string): Promise<Webhook> {
    const webhook = await tx.findOneBy(Webhook, { projectId, id });
    if (!webhook) throw notFound('Webhook', id);
    return webhook;
  }

  private assertUrl(path: string, value: string): void {
    const url = URL.canParse(value) ? new URL(value) : null;
    if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
      throw invalid(path, 'isUrl', `${path} must be an http or https URL`);
    }
    if (url.username !== '' || url.password !== '') {
      throw invalid(
        path,
        'credentials',
        `${path} must not hold a user name or password; use clientCredentials`,
      );
    }
    if (!this.config.PARLEY_ALLOW_PRIVATE_TARGETS && isPrivateHost(url)) {
      throw invalid(path, 'publicAddress', `${path} must not be a private or loopback address`);
    }
  }

  private sealed(secret: string | null | undefined): string {
    return secret ? this.secrets.encrypt(secret) : '';
  }

  private credentials(
    input: ClientCredentialsInput | null | undefined,
    stored: ClientCredentials | null,
  ): string | null {
    if (!input) return null;
    this.assertUrl('clientCredentials.endpoint', input.endpoint);
    const clientSecret = input.clientSecret ?? stored?.clientSecret;
    if (!clientSecret) {
      throw invalid(
        'clientCredentials.clientSecret',
        'isNotEmpty',
        'clientCredentials.clientSecret is required',
      );
    }
    const credentials: ClientCredentials = {
      endpoint: input.endpoint,
      clientId: input.clientId,
      clientSecret,
      scope: input.scope ?? '',
      responseType: input.responseType ?? '',
      tokenRequestType: input.tokenRequestType ?? TokenRequestType.BASIC,
    };
    return this.secrets.encrypt(JSON.stringify(credentials));
  }
}

/** Webhooks of an app are made one at a time, or two could both be the fifth. */
async function lockApp(tx: EntityManager, projectId: string, id: string): Promise<void> {
  const app = await tx.findOne(App, { where: { projectId, id }, lock: { mode: 'for_no_key_update' } });
  if (!app) throw notFound('App', id);
}

async function distinctTarget(written: Promise<unknown>): Promise<void> {
  try {
    await written;
  } catch (error) {
    const { code } = error instanceof QueryFailedError ? (error.driverError as { code?: string }) : {};
    if (code !== UNIQUE_VIOLATION) throw error;
    throw invalid('target', 'unique', 'target is that of another webhook of the app');
  }
}

/** @throws DomainError INVALID_ARGUMENT when a cursor holds no number where one belongs. */
function positionOf(position: string[] | null): string[] {
  if (position && !/^\d{1,18}$/.test(position[0] ?? '')) {
    throw invalid('after', 'cursor', 'after is not a cursor of this list; pass one that this list returned');
  }
  return position ?? [];
}
