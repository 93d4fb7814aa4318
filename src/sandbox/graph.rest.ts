import { All, Controller, Param, Req, Res, UploadedFiles, UseFilters, UseInterceptors } from '@nestjs/common';
import { AnyFilesInterceptor } from '@nestjs/platform-express';
import type { Request, Response } from 'express';
import type { UploadedFile } from './attachments.js';
import { baseOf } from './base.js';
import { Calls, loggable, type LoggedCall, withoutTokens } from './calls.js';
import { type Fault, Faults } from './faults.js';
import { fbtraceId, GraphError } from './graph.error.js';
import { GraphErrorFilter } from './graph.error.filter.js';
import { Graph, type GraphCall, parseParams } from './graph.service.js';
import { Pages } from './pages.js';
import { Usage } from './usage.js';

const NEWEST_VERSION = 'v26.0';

/** The Graph API over HTTP, with and without a version in the path: `/sandbox/v26.0/me/messages`. */
@Controller('sandbox')
@UseFilters(GraphErrorFilter)
export class GraphController {
  constructor(
    private readonly graph: Graph,
    private readonly faults: Faults,
    private readonly calls: Calls,
    private readonly pages: Pages,
    private readonly usage: Usage,
  ) {}

  @All('*path')
  @UseInterceptors(AnyFilesInterceptor({ limits: { fileSize: 25 * 1024 * 1024, files: 1, fields: 50 } }))
  async call(
    @Param('path') segments: string[],
    @Req() request: Request,
    @Res() response: Response,
    @UploadedFiles() files: UploadedFile[] | undefined,
  ): Promise<void> {
    const [first = ''] = segments;
    const version = /^v\d+\.\d+$/.test(first) ? first : undefined;
    const path = (version === undefined ? segments : segments.slice(1)).filter((segment) => segment !== '');
    const logged = this.calls.begin({
      at: new Date().toISOString(),
      method: request.method,
      path: `/${path.join('/')}`,
      version,
      page_id: undefined,
      params: {},
    });
    response.set({
      ...this.usage.headers(),
      'x-fb-trace-id': fbtraceId(),
      'facebook-api-version': version ?? NEWEST_VERSION,
    });
    try {
      const params = parseParams(request.query, request.body);
      logged.params = loggable(params, Number(request.get('content-length') ?? 0));
      const token = tokenOf(request, params);
      await this.run(
        { method: request.method, path, token, params, file: files?.[0], base: baseOf(request) },
        logged,
        response,
      );
    } catch (error) {
      if (!(error instanceof GraphError)) throw error;
      answer(response, logged, error.status, error.envelope());
    }
  }

  private async run(call: GraphCall, logged: LoggedCall, response: Response): Promise<void> {
    logged.page_id = this.pages.peek(call.token, call.path);
    const fault = this.faults.take(call.path, logged.page_id);
    if (fault?.delay_ms !== undefined) await this.faults.pause(fault.delay_ms);
    if (!fault || fault.kind === 'slow') return answer(response, logged, 200, await this.graph.answer(call));
    await this.fail(fault, call, logged, response);
  }

  private async fail(fault: Fault, call: GraphCall, logged: LoggedCall, response: Response): Promise<void> {
    switch (fault.kind) {
      case 'graph_error': {
        const {
          code = 1,
          error_subcode: subcode,
          message = `(#${code}) Injected`,
          is_transient: transient,
        } = fault.error ?? {};
        const error = new GraphError({ code, subcode, message, transient });
        return answer(response, logged, fault.status ?? error.status, error.envelope());
      }
      case 'http':
        logged.status = fault.status ?? 502;
        response
          .status(logged.status)
          .type('html')
          .send(fault.body ?? '<html><body>Sorry, something went wrong.</body></html>');
        return;
      case 'drop_after_accept':
        logged.answer = await this.graph.answer(call);
        response.socket?.destroy();
        return;
      case 'drop':
      case 'slow':
        response.socket?.destroy();
    }
  }
}

function answer(response: Response, logged: LoggedCall, status: number, body: unknown): void {
  logged.status = status;
  logged.answer = withoutTokens(body);
  response.status(status).json(body);
}

function tokenOf(request: Request, { access_token: given }: GraphCall['params']): string | undefined {
  const bearer = /^(?:Bearer|OAuth)\s+(\S+)$/i.exec(request.get('authorization') ?? '')?.[1];
  return typeof given === 'string' && given !== '' ? given : bearer;
}
