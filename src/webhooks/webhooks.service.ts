import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, In, QueryFailedError } from 'typeorm';
import { App } from '../apps/app.entity.js';
import { Config } from '../config.js';
import { DomainError, invalid, notFound } from '../errors.js';
import { newId } from '../ids.js';
import { JobsService } from '../jobs/jobs.service.js';
import { assertTargetUrl } from '../outbound/target-url.js';
import type { Page, PageRequest } from '../page.js';
import { SecretBox } from '../secrets.js';
import type { ClientCredentials } from './client-credentials.js';
import { Clock } from './clock.js';
import { type Delivery, type DeliveryFilter, listDeliveries } from './delivery.js';
import { deliverJob, MAX_WEBHOOKS_PER_APP } from './enqueue.js';
import { Webhook } from './webhook.entity.js';
import {
  type ClientCredentialsInput,
  type CreateWebhookInput,
  TokenRequestType,
  type UpdateWebhookInput,
  WebhookTargetType,
} from './webhooks.input.js';

const UNIQUE_VIOLATION = '23505';
/** A day, as others give. */
const PREVIOUS_SECRET_SECONDS = 24 * 3_600;
const MAX_ORIGINS = 100;

/** Customers' webhooks and what became of their deliveries. */
@Injectable()
export class WebhooksService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobsService,
    private readonly secrets: SecretBox,
    private readonly config: Config,
    private readonly clock: Clock,
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
      await assertRoom(tx, projectId, appId);
      await distinctTarget(tx.insert(Webhook, webhook));
      return tx.findOneByOrFail(Webhook, { projectId, id: webhook.id });
    });
  }

  /** @throws DomainError NOT_FOUND */
  async get(projectId: string, id: string): Promise<Webhook> {
    return this.find(this.dataSource.manager, projectId, id);
  }

  /** A webhook, or an origin of callback URLs. @throws DomainError NOT_FOUND */
  async receiver(projectId: string, id: string): Promise<Webhook> {
    const found = await this.dataSource.manager.findOneBy(Webhook, { projectId, id });
    if (!found) throw notFound('Webhook', id);
    return found;
  }

  /** The origins of callback URLs that sends of the app named, the latest first. @throws DomainError NOT_FOUND (app) */
  async callbackOrigins(projectId: string, appId: string): Promise<Webhook[]> {
    await this.assertApp(projectId, appId);
    const where = { projectId, appId, kind: 'CALLBACK_URL' as const };
    return this.dataSource.manager.find(Webhook, { where, order: { id: 'DESC' }, take: MAX_ORIGINS });
  }

  /** In order of creation. @throws DomainError NOT_FOUND (app) */
  async list(projectId: string, appId: string): Promise<Webhook[]> {
    await this.assertApp(projectId, appId);
    return (await this.listByApps(projectId, [appId]))[0] ?? [];
  }

  /** The webhooks of each app, in the order of `appIds`. */
  async listByApps(projectId: string, appIds: readonly string[]): Promise<Webhook[][]> {
    const webhooks = await this.dataSource.manager.find(Webhook, {
      where: { projectId, appId: In([...appIds]), kind: 'WEBHOOK' },
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
   * @param input `appId`: the app that it is told of from now on; what waits is of the former one.
   * @throws DomainError NOT_FOUND, INVALID_ARGUMENT (target, endpoint), FAILED_PRECONDITION (the other app has too many).
   */
  async update(
    projectId: string,
    id: string,
    input: UpdateWebhookInput & { appId?: string },
  ): Promise<Webhook> {
    if (input.target !== undefined) this.assertUrl('target', input.target);
    return this.dataSource.transaction(async (tx) => {
      const stored = await this.find(tx, projectId, id);
      const { target = stored.target, targetType = stored.targetType, triggers = stored.triggers } = input;
      const { clientCredentials, appId = stored.appId } = input;
      if (appId !== stored.appId) await assertRoom(tx, projectId, appId);
      await distinctTarget(
        tx.update(
          Webhook,
          { projectId, id },
          {
            appId,
            target,
            targetType,
            triggers,
            ...this.rotated(stored, input),
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
      const { affected } = await tx.delete(Webhook, { projectId, id, kind: 'WEBHOOK' });
      if (!affected) throw notFound('Webhook', id);
      await this.jobs.add(tx, [deliverJob({ projectId, webhookId: id })]);
    });
  }

  /** The latest events first. @throws DomainError NOT_FOUND, INVALID_ARGUMENT (cursor). */
  async deliveries(
    projectId: string,
    webhookId: string,
    filter: DeliveryFilter,
    page: PageRequest,
  ): Promise<Page<Delivery>> {
    await this.receiver(projectId, webhookId);
    return listDeliveries(this.dataSource.manager, { projectId, webhookId }, filter, page);
  }

  private async find(tx: EntityManager, projectId: string, id: string): Promise<Webhook> {
    const webhook = await tx.findOneBy(Webhook, { projectId, id, kind: 'WEBHOOK' });
    if (!webhook) throw notFound('Webhook', id);
    return webhook;
  }

  private async assertApp(projectId: string, id: string): Promise<void> {
    if (!(await this.dataSource.manager.existsBy(App, { projectId, id }))) throw notFound('App', id);
  }

  /** A secret that is replaced signs beside the new one for a while, so that receivers can change over without a gap. */
  private rotated(
    stored: Webhook,
    { secret, previousSecretSeconds }: UpdateWebhookInput,
  ): Pick<Webhook, 'secret' | 'previousSecret' | 'previousUntil'> {
    const { previousSecret, previousUntil } = stored;
    const same =
      secret === undefined || (stored.secret !== '' && secret === this.secrets.decrypt(stored.secret));
    if (same && previousSecretSeconds == null)
      return { secret: stored.secret, previousSecret, previousUntil };
    const seconds = previousSecretSeconds ?? PREVIOUS_SECRET_SECONDS;
    const replaced = same ? previousSecret : secret ? stored.secret : '';
    const kept = replaced !== '' && seconds > 0;
    return {
      secret: same ? stored.secret : this.sealed(secret),
      previousSecret: kept ? replaced : '',
      previousUntil: kept ? new Date(this.clock.now().getTime() + seconds * 1_000) : null,
    };
  }

  private assertUrl(path: string, value: string): void {
    assertTargetUrl(path, value, { allowPrivate: this.config.PARLEY_ALLOW_PRIVATE_TARGETS });
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
async function assertRoom(tx: EntityManager, projectId: string, appId: string): Promise<void> {
  const app = await tx.findOne(App, {
    where: { projectId, id: appId },
    lock: { mode: 'for_no_key_update' },
  });
  if (!app) throw notFound('App', appId);
  if ((await tx.countBy(Webhook, { projectId, appId, kind: 'WEBHOOK' })) < MAX_WEBHOOKS_PER_APP) return;
  throw new DomainError(
    'FAILED_PRECONDITION',
    `an app has at most ${MAX_WEBHOOKS_PER_APP} webhooks; delete one first`,
  );
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
