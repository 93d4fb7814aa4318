import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { GqlContextType } from '@nestjs/graphql';
import type { Request, Response } from 'express';
import { GraphQLError } from 'graphql';
import { of, throwError, type Observable } from 'rxjs';
import { PresentableError } from './error.graphql.js';
import { grpcError } from './error.grpc.js';
import { httpError } from './error.http.js';
import { oauthError, quotable, TOKEN_PATH } from './error.oauth.js';
import { type Explained, explain } from './explain.js';
import type { GraphqlContext } from './graphql-context.js';

/** The one place where errors leave: every face says the same thing in its own words. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  catch(thrown: unknown, host: ArgumentsHost): Observable<unknown> | GraphQLError | undefined {
    switch (host.getType<GqlContextType>()) {
      case 'graphql':
        return answerGraphql(thrown, host);
      case 'rpc':
        return answerGrpc(thrown, host);
      case 'http':
      case 'ws':
        answerHttp(thrown, host);
        return undefined;
    }
  }
}

function answerGraphql(thrown: unknown, host: ArgumentsHost): GraphQLError {
  if (thrown instanceof GraphQLError) return thrown;
  const context = host.getArgByIndex<GraphqlContext | undefined>(2);
  return new PresentableError(explain(thrown, context?.requestId));
}

interface StreamingCall {
  emit(event: 'error', error: object): boolean;
}

function answerGrpc(thrown: unknown, host: ArgumentsHost): Observable<unknown> {
  const error = grpcError(explain(thrown));
  const args = host.getArgs<unknown[]>();
  // A handler of a whole stream gets the call alone, and nobody waits for what it returns: the error goes to the call itself.
  if (args.length === 1 || typeof args[1] === 'function') {
    (args[0] as StreamingCall).emit('error', error);
    return of(undefined);
  }
  return throwError(() => error);
}

function answerHttp(thrown: unknown, host: ArgumentsHost): void {
  const request = host.switchToHttp().getRequest<Request & { id?: unknown }>();
  const response = host.switchToHttp().getResponse<Response>();
  const explained = explain(thrown, typeof request.id === 'string' ? request.id : undefined);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (explained.httpStatus === 401) response.setHeader('WWW-Authenticate', challenge(request, explained));
  response.status(explained.httpStatus).json(bodyFor(request.path, explained));
}

function bodyFor(path: string, explained: Explained): object {
  switch (path) {
    // The body of a GraphQL request is read before GraphQL is asked.
    case '/graphql':
      return { errors: [new PresentableError(explained).toJSON()] };
    case TOKEN_PATH:
      return oauthError(explained);
    default:
      return httpError(explained);
  }
}

/** By the scheme that was tried. Clients get a new token when they read `expired` here. Source: RFC 6750, section 3. */
function challenge({ headers }: Request, explained: Explained): string {
  if (!/^bearer /i.test(headers.authorization ?? '')) return 'Basic realm="parley"';
  const description = quotable(explained.error.message);
  return `Bearer error="invalid_token", error_description="${description.charAt(0).toUpperCase()}${description.slice(1)}"`;
}
