import type { IncomingMessage } from 'node:http';
import type { Params } from 'nestjs-pino';
import type { Config } from './config.js';
import { newId } from './ids.js';

const NOISE = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestMicroservice',
  'NestApplication',
  'GraphQLModule',
]);

/** The one 5xx that tells of the caller and not of us. */
const NOT_IMPLEMENTED = 501;

/** Structured logs: ids, never content or secrets. A request is logged when it fails; at `debug` always. */
export function loggerOptions(config: Config): Params {
  return {
    pinoHttp: {
      level: config.LOG_LEVEL,
      hooks: {
        logMethod(args, method) {
          if (!isStartupNoise(args[0])) method.apply(this, args);
        },
      },
      ...(config.NODE_ENV === 'development'
        ? {
            transport: {
              target: 'pino-pretty',
              options: { ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' },
            },
          }
        : {}),
      genReqId: () => newId(),
      customLogLevel: (_request, { statusCode }, error) =>
        error || (statusCode >= 500 && statusCode !== NOT_IMPLEMENTED)
          ? 'error'
          : statusCode >= 400
            ? 'warn'
            : 'debug',
      // pino-http makes an error, with its stack, of every 5xx.
      customErrorObject: (_request, { statusCode }, _error, entry: object) =>
        statusCode === NOT_IMPLEMENTED ? { ...entry, err: undefined } : entry,
      serializers: {
        req: (request: { id: string; method: string; url: string }) => ({
          id: request.id,
          method: request.method,
          url: pathOf(request.url),
        }),
        res: (response: { statusCode: number }) => ({ statusCode: response.statusCode }),
      },
      autoLogging: {
        ignore: (request: IncomingMessage) =>
          request.url === '/healthz' || request.url === '/readyz' || request.url === '/metrics',
      },
    },
  };
}

/** Nest tells of every module and route at `info`. */
function isStartupNoise(entry: unknown): boolean {
  return (
    typeof entry === 'object' && entry !== null && 'context' in entry && NOISE.has(String(entry.context))
  );
}

/** A query may hold a token (`hub.verify_token`, `access_token`). */
function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '';
}
