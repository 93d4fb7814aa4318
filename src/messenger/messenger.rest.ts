import { Controller, Get, Header, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Public } from '../api/public.js';
import type { InboundEvent } from '../channels/channel.js';
import { ChannelsService } from '../channels/channels.service.js';
import { Config } from '../config.js';
import { DomainError, notFound } from '../errors.js';
import { isId } from '../ids.js';
import { InboundService } from '../messages/inbound.service.js';
import { sameText } from '../secrets.js';
import { countEvents, isCallback, parseCallback } from './ingest/envelope.js';
import { parseJson } from './json.js';
import { isSigned } from './signature.js';

/** Meta sends up to 1,000 events in one request. */
const MAX_EVENTS = 10_000;

/**
 * Meta's door: the handshake, and webhooks. They are answered only once they are safe in the database; the body arrives
 * as raw bytes, which is what the signature covers. Source: messenger-platform/webhooks.
 */
@Public()
@Controller('adapter/v1/:app_id/callback')
export class MessengerController {
  constructor(
    private readonly config: Config,
    private readonly channels: ChannelsService,
    private readonly inbound: InboundService,
  ) {}

  /** The app is not looked up: Meta may ask before the channel is stored. */
  @Get()
  verify(@Req() request: Request, @Res() response: Response): void {
    const { 'hub.mode': mode, 'hub.verify_token': token, 'hub.challenge': challenge } = request.query;
    const expected = this.config.MESSENGER_VERIFY_TOKEN;
    const known = expected !== undefined && typeof token === 'string' && sameText(token, expected);
    response.type('text/plain');
    if (mode === 'subscribe' && known && typeof challenge === 'string') response.send(challenge);
    else response.status(403).send('The verify token or the mode is wrong');
  }

  @Post()
  @HttpCode(200)
  @Header('content-type', 'text/plain')
  async receive(@Param('app_id') appId: string, @Req() request: Request): Promise<string> {
    const route = isId(appId) ? await this.channels.route(appId, 'MESSENGER') : null;
    if (!route) throw notFound('App', appId);
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const signature = { sha256: request.get('x-hub-signature-256'), sha1: request.get('x-hub-signature') };
    if (route.callbackSecret !== '' && !isSigned(bytes, signature, route.callbackSecret)) {
      throw new DomainError('UNAUTHENTICATED', 'The signature is missing or does not match the app secret');
    }
    const events: InboundEvent[] = [];
    const ignored: { accountId: string | null; raw: unknown }[] = [];
    for (const entry of parseCallback(callbackIn(bytes))) {
      if (route.channelId !== '' && concerns(entry.accountId, route.accountId)) events.push(...entry.events);
      else ignored.push({ accountId: entry.accountId, raw: entry.raw });
    }
    if (events.length + ignored.length > 0) {
      const { projectId } = route;
      await this.inbound.receive({ projectId, appId, channel: 'MESSENGER' }, events, ignored);
    }
    return 'EVENT_RECEIVED';
  }
}

/** Whether an entry is for the channel's page; one of the two may be unknown, and dashboard tests name page 0. */
function concerns(entryId: string | null, accountId: string | null): boolean {
  return entryId === null || accountId === null || entryId === '0' || entryId === accountId;
}

/** @throws DomainError INVALID_ARGUMENT when the bytes are not a callback. */
function callbackIn(bytes: Buffer): unknown {
  let body: unknown;
  try {
    body = parseJson(bytes.toString('utf8'));
  } catch {
    throw new DomainError('INVALID_ARGUMENT', 'The body is not JSON');
  }
  if (!isCallback(body)) {
    throw new DomainError(
      'INVALID_ARGUMENT',
      'The body is not a callback for an object of type page or instagram',
    );
  }
  if (countEvents(body) > MAX_EVENTS) {
    throw new DomainError('INVALID_ARGUMENT', `The body holds more than ${MAX_EVENTS} events`);
  }
  return body;
}
