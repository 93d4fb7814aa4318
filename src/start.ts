import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import express from 'express';
import helmet from 'helmet';
import { Logger } from 'nestjs-pino';
import { ProjectsService } from './access/projects.service.js';
import { explorer } from './api/graphql-explorer.js';
import { GrpcServer } from './api/grpc.js';
import { AppModule } from './app.module.js';
import { ChannelsService } from './channels/channels.service.js';
import type { Config } from './config.js';
import { migrate } from './database/migrate.js';
import { PublicUrl } from './public-url.js';

/** Largest webhook of a channel; Meta sends up to 1,000 events in one. */
const CHANNEL_BODY = '10mb';
const BODY = '1mb';

/** A running Parley. */
export interface Parley {
  app: INestApplication;
  /** Base of the HTTP face as this process is reached. */
  url: string;
  /** `host:port` of gRPC. */
  grpc: string;
  stop(): Promise<void>;
}

/** Migrates the database and starts the roles that this process has. */
export async function startParley(config: Config, databaseUrl: string): Promise<Parley> {
  await migrate(databaseUrl);
  config.MESSENGER_VERIFY_TOKEN ??= randomBytes(16).toString('hex');
  const app = await NestFactory.create<NestExpressApplication>(AppModule.of(config, databaseUrl), {
    bufferLogs: true,
    bodyParser: false,
    abortOnError: false,
  });
  try {
    app.useLogger(app.get(Logger));
    useMiddleware(app, config);
    await bootstrap(app, config);
    const grpc = new GrpcServer(config);
    if (config.runs('api')) app.connectMicroservice({ strategy: grpc }, { inheritAppConfig: true });
    await app.startAllMicroservices();
    await app.listen(config.PORT, config.HOST);
    const { port } = app.getHttpServer().address() as AddressInfo;
    // Also what 0.0.0.0 listens on is reached by loopback.
    const host = config.HOST === '0.0.0.0' || config.HOST === '::' ? '127.0.0.1' : config.HOST;
    const url = `http://${host}:${port}`;
    app.get(PublicUrl).listens(url);
    if (config.PARLEY_SANDBOX && config.GRAPH_API_URL === undefined)
      await app.get(ChannelsService).resubscribeAll();
    const stop = async (): Promise<void> => {
      // Streams are told at once: the rest of the service is still there while they end.
      await Promise.all([grpc.close(), app.close()]);
    };
    return { app, url, grpc: `${host}:${grpc.port ?? 0}`, stop };
  } catch (error) {
    await app.close().catch(() => undefined);
    throw error;
  }
}

/** Raw bytes for channels, whose signatures cover them; JSON for the rest. */
function useMiddleware(app: NestExpressApplication, config: Config): void {
  app.disable('x-powered-by');
  app.use('/adapter', express.raw({ type: () => true, limit: CHANNEL_BODY }));
  app.use(express.json({ limit: BODY }), express.urlencoded({ extended: false, limit: BODY }));
  // In development there is no TLS to upgrade to.
  const upgradeInsecureRequests = config.production ? [] : null;
  app.use(helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests } }, hsts: false }));
  if (config.GRAPHQL_EXPLORER) app.use(explorer());
}

async function bootstrap(app: INestApplication, config: Config): Promise<void> {
  const {
    PARLEY_BOOTSTRAP_PROJECT_ID: project,
    PARLEY_BOOTSTRAP_KEY_ID: key,
    PARLEY_BOOTSTRAP_KEY_SECRET: secret,
  } = config;
  if (project && key && secret) await app.get(ProjectsService).bootstrap(project, key, secret);
}
