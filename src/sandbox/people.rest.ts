import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res, UseFilters } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Attachments } from './attachments.js';
import { baseOf } from './base.js';
import { notFound } from './graph.error.js';
import { GraphErrorFilter } from './graph.error.filter.js';
import { accept, anyText, type JsonObject, shape } from './judge/rules.js';
import { Messenger } from './messenger.js';
import { person, Phone, tapping, writing } from './phone.js';
import { type Thread, Threads } from './threads.js';

const onePixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const pageQuery = shape({}, { page_id: anyText }, 'open');

/** The person's side: what they see, write, tap and read. */
@Controller('sandbox/people')
@UseFilters(GraphErrorFilter)
export class PeopleController {
  constructor(
    private readonly phone: Phone,
    private readonly threads: Threads,
    private readonly messenger: Messenger,
    private readonly attachments: Attachments,
  ) {}

  @Get()
  list() {
    const threads = this.threads.list().sort((a, b) => b.lastActivity - a.lastActivity);
    return { data: threads.slice(0, 500).map(summary) };
  }

  /** Registers a person with a page, or changes one: profile, window, blocked. */
  @Post()
  @HttpCode(200)
  register(@Body() body: unknown) {
    return summary(this.phone.register(accept(person, body)));
  }

  @Get(':psid/messages')
  view(@Param('psid') psid: string, @Query() query: unknown): JsonObject {
    return this.phone.view(this.phone.thread(psid, accept(pageQuery, query).page_id));
  }

  /** Answers once the service has acknowledged the webhook; at once, with 202, for `?wait=false`. */
  @Post(':psid/messages')
  async write(
    @Param('psid') psid: string,
    @Body() body: unknown,
    @Query('wait') wait: unknown,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ) {
    const { message_id, delivered } = this.phone.write(psid, accept(writing, body), baseOf(request));
    response.status(wait === 'false' ? 202 : 200);
    return wait === 'false' ? { message_id } : { message_id, delivered: await delivered };
  }

  @Post(':psid/taps')
  @HttpCode(200)
  async tap(@Param('psid') psid: string, @Body() body: unknown) {
    const { delivered, ...tapped } = this.phone.tap(psid, accept(tapping, body));
    return delivered ? { ...tapped, delivered: await delivered } : tapped;
  }

  @Post(':psid/read')
  @HttpCode(200)
  async read(@Param('psid') psid: string, @Body() body: unknown, @Query() query: unknown) {
    const named = accept(pageQuery, body ?? {}).page_id ?? accept(pageQuery, query).page_id;
    const { page, thread } = this.phone.thread(psid, named);
    return { delivered: await this.messenger.read(page, thread) };
  }

  @Get(':psid/picture')
  picture(@Param('psid') psid: string, @Res() response: Response): void {
    const { first_name = '', last_name = '' } = this.threads.of(psid)[0]?.profile ?? {};
    const initials = (first_name.charAt(0) + last_name.charAt(0)).replace(/[^\p{L}\p{N}]/gu, '');
    const hue = [...psid].reduce((sum, digit) => sum + digit.charCodeAt(0) * 7, 0) % 360;
    inert(response)
      .type('image/svg+xml')
      .send(
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill="hsl(${hue} 45% 45%)"/>` +
          `<text x="32" y="41" font-family="sans-serif" font-size="26" fill="#fff" text-anchor="middle">${initials}</text></svg>`,
      );
  }

  @Get('stickers/:id')
  sticker(@Res() response: Response): void {
    inert(response).type('image/png').send(onePixel);
  }

  /** A file that was uploaded through `message_attachments`. */
  @Get('files/:id')
  file(@Param('id') id: string, @Res() response: Response): void {
    const file = this.attachments.file(id);
    if (!file) throw notFound(`No uploaded file ${id}`);
    inert(response).type(file.mimetype).send(file.buffer);
  }
}

/** Content of others must not run as a page of this origin. */
function inert(response: Response): Response {
  return response.set({
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
  });
}

function summary({ pageId, psid, profile, met, window, wroteAt, blocked }: Thread) {
  return { psid, page_id: pageId, ...profile, met, window, last_message_at: wroteAt ?? null, blocked };
}
