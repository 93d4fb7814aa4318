import { Injectable } from '@nestjs/common';
import { object, shape } from './judge/rules.js';
import type { Accepted } from './judge/rules.js';

/** Load as Meta reports it, each sent as one JSON header with every Graph answer while it is set. */
export const usage = shape({}, { app_usage: object, page_usage: object, business_use_case_usage: object });

/** The rate-limit headers. Source: graph-api/overview/rate-limiting. */
@Injectable()
export class Usage {
  private current: Accepted<typeof usage> = {};

  set(next: Accepted<typeof usage>): void {
    this.current = next;
  }

  headers(): Record<string, string> {
    const { app_usage, page_usage, business_use_case_usage } = this.current;
    const named = {
      'x-app-usage': app_usage,
      'x-page-usage': page_usage,
      'x-business-use-case-usage': business_use_case_usage,
    };
    return Object.fromEntries(
      Object.entries(named).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, JSON.stringify(value)]],
      ),
    );
  }
}
