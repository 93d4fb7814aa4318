import { Body, Controller, Delete, Get, Header, HttpCode, Post, Query, UseFilters } from '@nestjs/common';
import { Attachments } from './attachments.js';
import { Calls } from './calls.js';
import { fault, Faults } from './faults.js';
import { GraphErrorFilter } from './graph.error.filter.js';
import { accept } from './judge/rules.js';
import { Pages } from './pages.js';
import { Personas } from './personas.js';
import { contentSecurityPolicy, phonePage } from './phone.page.js';
import { Threads } from './threads.js';
import { usage, Usage } from './usage.js';

/** The page for people, and the switches for tests. */
@Controller('sandbox')
@UseFilters(GraphErrorFilter)
export class SwitchesController {
  constructor(
    private readonly faults: Faults,
    private readonly calls: Calls,
    private readonly usage: Usage,
    private readonly pages: Pages,
    private readonly threads: Threads,
    private readonly attachments: Attachments,
    private readonly personas: Personas,
  ) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', contentSecurityPolicy)
  page(): string {
    return phonePage;
  }

  @Get('faults')
  listFaults() {
    return { data: this.faults.list() };
  }

  @Post('faults')
  @HttpCode(200)
  addFault(@Body() body: unknown) {
    return this.faults.add(accept(fault, body));
  }

  @Delete('faults')
  clearFaults() {
    this.faults.clear();
    return { success: true };
  }

  /** The last Graph calls, oldest first; `path` is a prefix such as `messages`, `refused=true` those that failed. */
  @Get('calls')
  listCalls(@Query('path') path: unknown, @Query('refused') refused: unknown) {
    return { data: this.calls.list(typeof path === 'string' ? path : undefined, refused === 'true') };
  }

  @Delete('calls')
  clearCalls() {
    this.calls.clear();
    return { success: true };
  }

  /** Sets the rate-limit headers of every Graph answer; an empty body takes them away. */
  @Post('usage')
  @HttpCode(200)
  setUsage(@Body() body: unknown) {
    this.usage.set(accept(usage, body ?? {}));
    return { success: true };
  }

  /** Forgets everything. */
  @Post('reset')
  @HttpCode(200)
  reset() {
    for (const state of [this.faults, this.calls, this.pages, this.threads, this.attachments, this.personas])
      state.clear();
    this.usage.set({});
    return { success: true };
  }
}
