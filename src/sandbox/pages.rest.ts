import { Body, Controller, Get, HttpCode, Param, Post, UseFilters } from '@nestjs/common';
import { badParam, GraphError } from './graph.error.js';
import { GraphErrorFilter } from './graph.error.filter.js';
import { accept, anyText, integer, list, matching, oneOf, shape, text, url } from './judge/rules.js';
import type { Accepted } from './judge/rules.js';
import { Messenger } from './messenger.js';
import { type Callback, type Page, Pages } from './pages.js';
import { Phone } from './phone.js';
import { settings } from './settings.js';
import { subscriptionFields } from './subscription.fields.js';
import { Webhooks } from './webhooks.js';

const id = matching(/^\d{5,20}$/, '5 to 20 digits');

const changes = shape(
  {},
  {
    id,
    name: text(200),
    token: text(1_000),
    app_id: id,
    app_secret: text(200),
    callback_url: url(),
    verify_token: text(1_000),
    subscribed_fields: list(0, 100, oneOf(...subscriptionFields)),
    settings,
  },
);

const revocation = shape({}, { error_subcode: integer(0, 10_000_000) });
const inboxMessage = shape({ psid: anyText, text: text(2_000) }, {});

/** The dashboard's side: pages, their tokens and callbacks, and the Page inbox. */
@Controller('sandbox/pages')
@UseFilters(GraphErrorFilter)
export class PagesController {
  constructor(
    private readonly pages: Pages,
    private readonly webhooks: Webhooks,
    private readonly messenger: Messenger,
    private readonly phone: Phone,
  ) {}

  @Get()
  list() {
    return { data: this.pages.list().map(summary) };
  }

  /** Registers a page; with a callback, after Meta's verification request has succeeded. */
  @Post()
  @HttpCode(200)
  async register(@Body() body: unknown) {
    const wanted = accept(changes, body ?? {});
    const callback = await this.verified(wanted);
    const page = this.pages.register(wanted.id, wanted);
    if (callback) this.pages.subscribe(page, wanted.subscribed_fields ?? subscriptionFields, callback);
    const { name, token, appId, appSecret } = page;
    return { id: page.id, name, token, app_id: appId, app_secret: appSecret };
  }

  @Get(':id')
  get(@Param('id') pageId: string) {
    const page = this.pages.get(pageId);
    return { ...summary(page), failed_webhooks: page.failedWebhooks };
  }

  /** Changes a page; one that does not exist is made, open to any token unless one is given. */
  @Post(':id')
  @HttpCode(200)
  async change(@Param('id') pageId: string, @Body() body: unknown) {
    const wanted = accept(changes, body ?? {});
    const callback = await this.verified(wanted);
    const page = this.pages.change(this.pages.improvise(accept(id, pageId, 'id')), wanted);
    if (callback || wanted.subscribed_fields) {
      this.pages.subscribe(page, wanted.subscribed_fields ?? subscriptionFields, callback);
    }
    return summary(page);
  }

  /** Every token this page was used with answers 190 with this subcode (460 unless told otherwise). */
  @Post(':id/revoke')
  @HttpCode(200)
  revoke(@Param('id') pageId: string, @Body() body: unknown) {
    this.pages.revoke(this.pages.get(pageId), accept(revocation, body ?? {}).error_subcode ?? 460);
    return { success: true };
  }

  @Post(':id/restore')
  @HttpCode(200)
  restore(@Param('id') pageId: string) {
    this.pages.restore(this.pages.get(pageId));
    return { success: true };
  }

  @Post(':id/inbox')
  @HttpCode(200)
  async inbox(@Param('id') pageId: string, @Body() body: unknown) {
    const wanted = accept(inboxMessage, body);
    const { page, thread } = this.phone.thread(wanted.psid, this.pages.get(pageId).id);
    const { mid, delivered } = await this.messenger.inbox(page, thread, wanted.text);
    return { message_id: mid, delivered };
  }

  private async verified(wanted: Accepted<typeof changes>): Promise<Callback | undefined> {
    if (wanted.callback_url === undefined) return undefined;
    const callback: Callback = { url: wanted.callback_url, verifyToken: wanted.verify_token, state: 'ready' };
    const failure = wanted.verify_token === undefined ? undefined : await this.webhooks.verify(callback);
    if (failure === undefined) return callback;
    throw new GraphError({
      ...badParam('Callback verification failed'),
      code: 2200,
      message: `(#2200) Callback verification failed with the following errors: ${failure}`,
    });
  }
}

function summary({
  id: pageId,
  name,
  registered,
  appId,
  callback,
  fields,
  settings: current,
  failedWebhooks,
}: Page) {
  return {
    id: pageId,
    name,
    registered,
    app_id: appId,
    callback_url: callback?.url ?? null,
    callback_state: callback?.state ?? null,
    callback_error: callback?.error ?? null,
    subscribed_fields: [...fields],
    settings: current,
    failed_webhook_count: failedWebhooks.length,
  };
}
