// A service of chosen modules on a database of its own, spoken to as a client would.
import { Global, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { DataSource } from 'typeorm';
import { ProjectsService } from '../../src/access/projects.service.js';
import { ApiModule } from '../../src/api/api.module.js';
import { GrpcServer } from '../../src/api/grpc.js';
import { Config, loadConfig } from '../../src/config.js';
import { createDataSource } from '../../src/database/data-source.js';
import { PublicUrl } from '../../src/public-url.js';
import { SecretBox } from '../../src/secrets.js';
import { createTestDatabase } from './database.js';

export interface GraphqlAnswer {
  status: number;
  data: Record<string, unknown> | null;
  errors: {
    message: string;
    path?: string[];
    locations?: object[];
    extensions: {
      code: string;
      fields?: { path: string; rule: string; message: string }[];
      requestId?: string;
    };
  }[];
}

export class TestApi {
  constructor(
    readonly app: NestExpressApplication,
    readonly url: string,
    readonly grpc: GrpcServer,
    readonly dataSource: DataSource,
    /** Value of the `Authorization` header of a project's key. */
    readonly authorization: string,
    readonly projectId: string,
    private readonly drop: () => Promise<void>,
  ) {}

  async graphql(
    query: string,
    variables: Record<string, unknown> = {},
    authorization: string | null = this.authorization,
  ): Promise<GraphqlAnswer> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as Partial<GraphqlAnswer>;
    return { status: response.status, data: data ?? null, errors: errors ?? [] };
  }

  /** The one field of an operation that must succeed. */
  async ask<T>(query: string, variables: Record<string, unknown> = {}, authorization?: string): Promise<T> {
    const { data, errors } = await this.graphql(query, variables, authorization);
    if (errors.length > 0 || !data) throw new Error(`GraphQL: ${JSON.stringify(errors)}`);
    return Object.values(data)[0] as T;
  }

  /** The one error of an operation that must fail. */
  async refusal(
    query: string,
    variables: Record<string, unknown> = {},
    authorization?: string,
  ): Promise<GraphqlAnswer['errors'][number]> {
    const { errors, data } = await this.graphql(query, variables, authorization);
    const [error] = errors;
    if (!error || errors.length > 1) throw new Error(`GraphQL: ${JSON.stringify({ data, errors })}`);
    return error;
  }

  /** Another tenant: its project and the header of its key. */
  async project(): Promise<{ projectId: string; authorization: string }> {
    return newProject(this.app.get(ProjectsService, { strict: false }));
  }

  /** What the event log holds, oldest first. */
  async events(): Promise<
    { kind: string; app_id: string; contact_id: string | null; payload: Record<string, unknown> }[]
  > {
    return this.dataSource.query('SELECT kind, app_id, contact_id, payload FROM events ORDER BY seq');
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.dataSource.destroy();
    await this.drop();
  }
}

export async function startApi(modules: Type[], settings: Record<string, string> = {}): Promise<TestApi> {
  const database = await createTestDatabase();
  const dataSource = await createDataSource(database.url, 5).initialize();
  const config = loadConfig({
    NODE_ENV: 'test',
    DATABASE_URL: database.url,
    PARLEY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
    GRPC_PORT: '0',
    ...settings,
  });

  @Global()
  @Module({
    providers: [
      { provide: DataSource, useValue: dataSource },
      { provide: Config, useValue: config },
      { provide: SecretBox, useValue: new SecretBox(config.PARLEY_ENCRYPTION_KEY) },
      PublicUrl,
    ],
    exports: [DataSource, Config, SecretBox, PublicUrl],
  })
  class SettingsModule {}

  @Module({ imports: [SettingsModule, ApiModule, ...modules] })
  class TestModule {}

  const app = await NestFactory.create<NestExpressApplication>(TestModule, { logger: false });
  const grpc = new GrpcServer(config);
  app.connectMicroservice({ strategy: grpc }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  app.get(PublicUrl).listens(url);
  const { projectId, authorization } = await newProject(app.get(ProjectsService, { strict: false }));
  return new TestApi(app, url, grpc, dataSource, authorization, projectId, () => database.drop());
}

export function basic(keyId: string, secret: string): string {
  return `Basic ${Buffer.from(`${keyId}:${secret}`).toString('base64')}`;
}

async function newProject(projects: ProjectsService): Promise<{ projectId: string; authorization: string }> {
  const { projectId } = await projects.createProject('Test');
  const { keyId, secret } = await projects.createKey(projectId);
  return { projectId, authorization: basic(keyId, secret) };
}
