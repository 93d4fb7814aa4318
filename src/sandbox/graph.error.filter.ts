import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Response } from 'express';
import { badParam, GraphError } from './graph.error.js';

/** Everything that fails under `/sandbox` answers in Meta's envelope. */
@Catch()
export class GraphErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('Sandbox');

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const graphError = this.translate(error);
    if (!response.headersSent) response.status(graphError.status).json(graphError.envelope());
  }

  private translate(error: unknown): GraphError {
    if (error instanceof GraphError) return error;
    if (error instanceof HttpException) {
      // Multer's only size limit is that of attachments.
      if (error.getStatus() === 413)
        return new GraphError(badParam('Attachment size exceeds allowable limit', 2018109));
      return new GraphError(badParam(error.message), error.getStatus());
    }
    this.logger.error(error);
    return new GraphError({ code: 1, message: 'An unknown error occurred', transient: true });
  }
}
