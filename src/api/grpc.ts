import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { ServerGrpc } from '@nestjs/microservices';
import { HealthImplementation } from 'grpc-health-check';
import { readFileSync } from 'node:fs';
import type { Config } from '../config.js';
import { LOADER_OPTIONS, protoFiles } from './proto.js';

const PACKAGE = 'parley.conversation.v1';
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** Calls that are still running at shutdown get this long. */
const GRACE_MS = 5_000;

/**
 * The gRPC face, with health and reflection. A Nest transport: `app.connectMicroservice({ strategy }, { inheritAppConfig: true })`.
 */
export class GrpcServer extends ServerGrpc {
  /** Port that it listens on, once it does. */
  port: number | null = null;
  readonly health = new HealthImplementation({ '': 'SERVING' });
  private server: Server | null = null;

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
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
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

  override async close(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = null;
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
    });
  }
}

function credentials({ GRPC_TLS_CERT, GRPC_TLS_KEY }: Config): ServerCredentials {
  if (GRPC_TLS_CERT === undefined || GRPC_TLS_KEY === undefined) return ServerCredentials.createInsecure();
  return ServerCredentials.createSsl(null, [
    { cert_chain: pem(GRPC_TLS_CERT), private_key: pem(GRPC_TLS_KEY) },
  ]);
}

/** The setting is the PEM text itself or the file that holds it. */
function pem(setting: string): Buffer {
  return setting.startsWith('-----BEGIN') ? Buffer.from(setting) : readFileSync(setting);
}
