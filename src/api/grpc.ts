import { Server, ServerCredentials, type ServiceClientConstructor } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { ServerGrpc } from '@nestjs/microservices';
import { HealthImplementation } from 'grpc-health-check';
import type { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Config } from '../config.js';
import { DRAINING } from './grpc-stream.js';
import { LOADER_OPTIONS, protoFiles } from './proto.js';

const PACKAGE = 'parley.conversation.v1';
/** Calls that are still running at shutdown get this long. */
const GRACE_MS = 5_000;

type Handler = (call: EventEmitter, callback?: unknown) => unknown;

/**
 * The gRPC face, with health and reflection. A Nest transport: `app.connectMicroservice({ strategy }, { inheritAppConfig: true })`.
 */
export class GrpcServer extends ServerGrpc {
  /** Port that it listens on, once it does. */
  port: number | null = null;
  readonly health = new HealthImplementation({ '': 'SERVING' });
  private server: Server | null = null;
  private readonly streams = new Set<EventEmitter>();
  private closing: Promise<void> | null = null;

  constructor(private readonly config: Config) {
    super({
      package: PACKAGE,
      protoPath: protoFiles(),
      loader: LOADER_OPTIONS,
      onLoadPackageDefinition: (definition: PackageDefinition, server: Server) => {
        this.health.addToServer(server);
        new ReflectionService(definition).addToServer(server);
      },
    });
  }

  override async createClient(): Promise<Server> {
    const server = new Server({
      'grpc.max_receive_message_length': this.config.GRPC_MAX_MESSAGE_BYTES,
      // A dead client's stream ends within half a minute instead of never.
      'grpc.keepalive_time_ms': 20_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.max_concurrent_streams': 1_000,
    });
    const { HOST, GRPC_PORT } = this.config;
    const host = HOST.includes(':') ? `[${HOST}]` : HOST;
    this.port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`${host}:${GRPC_PORT}`, credentials(this.config), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
    this.server = server;
    return server;
  }

  /** The streams among the handlers are remembered while they run, to be told when the server shuts down. */
  override async createService(service: ServiceClientConstructor, name: string): Promise<object> {
    const handlers = (await super.createService(service, name)) as Record<string, Handler>;
    const definitions = service.prototype as Record<string, { responseStream?: boolean }>;
    return Object.fromEntries(
      Object.entries(handlers).map(([method, handler]) => [
        method,
        definitions[method]?.responseStream ? this.remembered(handler) : handler,
      ]),
    );
  }

  /** Refuses what is new at once; what runs is done within the grace. */
  override close(): Promise<void> {
    this.closing ??= this.drain();
    return this.closing;
  }

  private remembered(handler: Handler): Handler {
    return (call, callback) => {
      this.streams.add(call);
      call.once('close', () => this.streams.delete(call));
      return handler(call, callback);
    };
  }

  private async drain(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.health.setStatus('', 'NOT_SERVING');
    await new Promise<void>((resolve) => {
      const impatience = setTimeout(() => {
        server.forceShutdown();
        resolve();
      }, GRACE_MS);
      server.tryShutdown(() => {
        clearTimeout(impatience);
        resolve();
      });
      for (const call of this.streams) call.emit(DRAINING);
    });
  }
}

function credentials({ GRPC_TLS_CERT, GRPC_TLS_KEY, GRPC_TLS_CLIENT_CA }: Config): ServerCredentials {
  if (GRPC_TLS_CERT === undefined || GRPC_TLS_KEY === undefined) return ServerCredentials.createInsecure();
  const pair = { cert_chain: pem(GRPC_TLS_CERT), private_key: pem(GRPC_TLS_KEY) };
  return GRPC_TLS_CLIENT_CA === undefined
    ? ServerCredentials.createSsl(null, [pair])
    : ServerCredentials.createSsl(pem(GRPC_TLS_CLIENT_CA), [pair], true);
}

/** The setting is the PEM text itself or the file that holds it. */
function pem(setting: string): Buffer {
  return setting.startsWith('-----BEGIN') ? Buffer.from(setting) : readFileSync(setting);
}
