import {
  type Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Body, Controller, Get, Module, Param, Post } from '@nestjs/common';
import {
  Args,
  Context,
  Field,
  InputType,
  Mutation,
  ObjectType,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { IsDate, IsInt, IsOptional, IsString, Max } from 'class-validator';
import { createClient, type Client as SocketClient } from 'graphql-ws';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { AccessService } from '../../src/access/access.service.js';
import type { Caller } from '../../src/access/caller.js';
import { CurrentCaller } from '../../src/api/current-caller.js';
import { type GraphqlContext, loaderOf } from '../../src/api/graphql-context.js';
import { LOADER_OPTIONS, protoFiles } from '../../src/api/proto.js';
import { Public } from '../../src/api/public.js';
import { DomainError, notFound } from '../../src/errors.js';
import { basic, startApi, type TestApi } from '../support/api.js';
import DataLoader from 'dataloader';

@InputType()
class ProbeInput {
  @Field()
  @IsInt()
  @Max(10)
  size!: number;

  @Field(() => Date, { nullable: true })
  @IsOptional()
  @IsDate()
  at?: Date;
}

class SendRequest {
  @IsString()
  appId!: string;
}

@ObjectType()
class Probe {
  @Field()
  name!: string;
}

/** Ends of subscriptions that the service has noticed. */
const ended = vi.fn();

@Resolver(() => Probe)
class ProbeResolver {
  @Query(() => String)
  whoAmI(@CurrentCaller() caller: Caller): string {
    return caller.projectId;
  }

  @Query(() => Probe, { nullable: true })
  probe(@Args('kind') kind: string): Probe | null {
    if (kind === 'unknown') throw notFound('Probe', 'P1');
    if (kind === 'broken') throw new Error('hunter2');
    return { name: kind };
  }

  @Mutation(() => Date, { nullable: true })
  measure(@Args('input') input: ProbeInput): Date | null {
    return input.at ?? null;
  }

  @ResolveField(() => [Probe])
  fragile(): never {
    throw new DomainError('FAILED_PRECONDITION', 'not today');
  }

  @ResolveField(() => Probe)
  child(): Probe {
    return { name: 'child' };
  }

  /** Counts for ever, as far as its loader lets it: a loader that remembers would give the first number again and again. */
  @Subscription(() => Number, {
    resolve: (_event: unknown, _args: unknown, context: GraphqlContext): Promise<number> =>
      loaderOf(context, 'count', () => new DataLoader<string, number>(async () => [++counted])).load('count'),
  })
  count(@Context() { signal }: GraphqlContext): AsyncGenerator<unknown> {
    signal.addEventListener('abort', () => void ended());
    return ticks(3, signal);
  }

  @Subscription(() => Number)
  refuses(): never {
    throw notFound('Probe', 'P1');
  }
}

let counted = 0;

/** Some events at once, and then none until the signal. */
async function* ticks(number: number, signal: AbortSignal): AsyncGenerator<unknown> {
  for (let i = 0; i < number; i++) yield {};
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
}

@Controller('probe')
class ProbeController {
  @Get('me')
  me(@CurrentCaller() caller: Caller): Caller {
    return caller;
  }

  @Get('of/:project_id')
  ofProject(@Param('project_id') projectId: string): { projectId: string } {
    return { projectId };
  }

  @Public()
  @Get('open')
  open(): { open: boolean } {
    return { open: true };
  }

  @Get('broken')
  broken(): never {
    throw new Error('hunter2');
  }

  @Post()
  measure(@Body() input: ProbeInput): ProbeInput {
    return input;
  }
}

@Controller('sandbox')
class SandboxController {
  @Get('phone')
  phone(): { ringing: boolean } {
    return { ringing: true };
  }
}

@Controller()
class ProbeGrpc {
  @GrpcMethod('MessageService', 'SendMessage')
  send(request: SendRequest): { messageId: string } {
    return { messageId: request.appId };
  }

  @GrpcMethod('MessageService', 'GetMessage')
  get(
    @Payload() { messageId }: { messageId: string },
    @CurrentCaller() caller: Caller,
  ): { id: string; metadata: string } {
    if (messageId === 'unknown') throw notFound('Message', messageId);
    if (messageId === 'broken') throw new Error('hunter2');
    return { id: messageId, metadata: caller.projectId };
  }
}

@Module({ providers: [ProbeResolver], controllers: [ProbeController, SandboxController, ProbeGrpc] })
class ProbeModule {}

let api: TestApi;
const sockets: SocketClient[] = [];

beforeAll(async () => {
  api = await startApi([ProbeModule]);
});
afterEach(async () => {
  await Promise.all(sockets.splice(0).map(async (socket) => socket.dispose()));
});
afterAll(() => api.stop());

async function http(
  path: string,
  { body, authorization = api.authorization }: { body?: string; authorization?: string | null } = {},
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const response = await fetch(`${api.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...(authorization ? { authorization } : {}), 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

function socket(authorization: string | undefined = api.authorization): SocketClient {
  const client = createClient({
    url: `${api.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: authorization === undefined ? {} : { authorization },
    retryAttempts: 0,
    lazy: true,
  });
  sockets.push(client);
  return client;
}

/** The first results of an operation over the socket, or what it failed with. */
async function over(client: SocketClient, query: string, results = 1): Promise<unknown> {
  const seen: unknown[] = [];
  try {
    for await (const result of client.iterate({ query })) {
      seen.push(result);
      if (seen.length === results) break;
    }
  } catch (error) {
    return error instanceof Error ? { message: error.message } : error;
  }
  return results === 1 ? seen[0] : seen;
}

/** Calls MessageService; the answer, or the error. */
function grpc(
  method: 'sendMessage' | 'getMessage',
  request: object,
  authorization: string | null = api.authorization,
): Promise<{ answer?: Record<string, unknown>; error?: ServiceError }> {
  const root = loadPackageDefinition(loadSync(protoFiles(), LOADER_OPTIONS)) as unknown as {
    parley: { conversation: { v1: { MessageService: new (...args: unknown[]) => Client } } };
  };
  const client = new root.parley.conversation.v1.MessageService(
    `127.0.0.1:${api.grpc.port}`,
    credentials.createInsecure(),
  ) as Client & Record<typeof method, (request: object, metadata: Metadata, callback: unknown) => void>;
  const metadata = new Metadata();
  if (authorization) metadata.set('authorization', authorization);
  return new Promise((resolve) => {
    client[method](request, metadata, (error: ServiceError | null, answer: Record<string, unknown>) => {
      client.close();
      resolve(error ? { error } : { answer });
    });
  });
}

test('every face knows who is calling by the same credentials', async () => {
  const { projectId } = api;
  expect(await api.ask('{ whoAmI }')).toBe(projectId);
  expect((await http('/probe/me')).body).toMatchObject({ projectId });
  expect(await over(socket(), '{ whoAmI }')).toEqual({ data: { whoAmI: projectId } });
  expect(await grpc('getMessage', { messageId: 'M1' })).toEqual({
    answer: { id: 'M1', metadata: projectId },
  });
});

test.each([
  ['no', null],
  ['wrong', basic('nobody', 'wrong')],
  ['malformed', 'Basic ???'],
])('every face refuses a call with %s credentials as unauthenticated', async (_case, authorization) => {
  const refused = await http('/probe/me', { authorization });
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toContain('Basic');
  expect(refused.body).toMatchObject({ error: { code: 401, status: 'UNAUTHENTICATED' } });
  const { errors, data } = await api.graphql('{ whoAmI }', {}, authorization);
  expect({ data, code: errors[0]?.extensions.code }).toEqual({ data: null, code: 'UNAUTHENTICATED' });
  expect((await grpc('getMessage', { messageId: 'M1' }, authorization)).error?.code).toBe(
    status.UNAUTHENTICATED,
  );
});

test.each([
  ['no', {}, 'credentials are missing'],
  ['wrong', { authorization: basic('nobody', 'wrong') }, 'the key id or the secret is wrong'],
  ['strange', { authorization: ['x'] }, 'credentials are missing'],
])('a socket with %s credentials is closed as forbidden, with the reason', async (_case, payload, reason) => {
  const raw = new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(raw, 'open');
  raw.send(JSON.stringify({ type: 'connection_init', payload }));
  const [code, text] = (await once(raw, 'close')) as [number, Buffer];
  expect(code).toBe(4403);
  expect(text.toString()).toContain(reason);
});

test('what is public needs no credentials, and neither does the sandbox', async () => {
  expect((await http('/probe/open', { authorization: null })).body).toEqual({ open: true });
  expect((await http('/sandbox/phone', { authorization: null })).body).toEqual({ ringing: true });
});

test('a key of another project is forbidden, not unauthenticated', async () => {
  expect((await http(`/probe/of/${api.projectId}`)).body).toEqual({ projectId: api.projectId });
  const { status: code, body } = await http(`/probe/of/someone-else`);
  expect([code, body]).toMatchObject([403, { error: { code: 403, status: 'UNAUTHORIZED' } }]);
});

test('an unknown thing is not found on every face', async () => {
  expect(await api.refusal('{ probe(kind: "unknown") { name } }')).toMatchObject({
    path: ['probe'],
    extensions: { code: 'NOT_FOUND' },
  });
  expect(await over(socket(), '{ probe(kind: "unknown") { name } }')).toMatchObject({
    errors: [{ message: 'Probe P1 was not found', extensions: { code: 'NOT_FOUND' } }],
  });
  expect(await over(socket(), 'subscription { refuses }')).toMatchObject({
    errors: [{ message: 'Probe P1 was not found', extensions: { code: 'NOT_FOUND' } }],
  });
  const { error } = await grpc('getMessage', { messageId: 'unknown' });
  expect([error?.code, error?.details]).toEqual([status.NOT_FOUND, 'Message unknown was not found']);
  const nowhere = await http('/nowhere');
  expect([nowhere.status, nowhere.body]).toMatchObject([404, { error: { status: 'NOT_FOUND' } }]);
});

test('bad input names field and rule on every face', async () => {
  expect(await api.refusal('mutation { measure(input: {size: 11}) }')).toMatchObject({
    extensions: { code: 'BAD_USER_INPUT', fields: [{ path: 'size', rule: 'max' }] },
  });
  const posted = await http('/probe', { body: '{"size": 11, "at": "x"}' });
  expect([posted.status, posted.body]).toMatchObject([
    400,
    {
      error: {
        status: 'INVALID_ARGUMENT',
        details: [{ fieldViolations: [{ field: 'size', reason: 'max' }, {}] }],
      },
    },
  ]);
  const { error } = await grpc('sendMessage', {});
  expect(error?.code).toBe(status.INVALID_ARGUMENT);
  const [trailer] = error?.metadata.get('grpc-status-details-bin') ?? [];
  expect(trailer?.toString()).toContain('app_id');
  expect(trailer?.toString()).toContain('isString');
});

test('an internal error shows a request id and nothing else on every face', async () => {
  const answers = [
    await api.refusal('{ probe(kind: "broken") { name } }'),
    await over(socket(), '{ probe(kind: "broken") { name } }'),
    await http('/probe/broken'),
    (await grpc('getMessage', { messageId: 'broken' })).error,
  ];
  for (const answer of answers) {
    const text = JSON.stringify([answer, (answer as Error).message]);
    expect(text).toMatch(/request id [0-9A-Z]{26}/);
    expect(text).not.toMatch(/hunter2|stack|\.ts:/);
  }
  expect(answers[0]).toMatchObject({
    extensions: { code: 'INTERNAL', requestId: expect.any(String) as unknown },
  });
});

test('an error in a field leaves the rest of the answer and names its place', async () => {
  const { errors, data, status: code } = await api.graphql('{ probe(kind: "a") { name fragile { name } } }');
  expect([code, data]).toEqual([200, { probe: null }]);
  expect(errors).toMatchObject([
    { path: ['probe', 'fragile'], message: 'not today', extensions: { code: 'FAILED_PRECONDITION' } },
  ]);
});

test.each([
  ['a syntax error', '{ whoAmI', {}],
  ['an unknown field', '{ nothing }', {}],
  ['a wrong literal', 'mutation { measure(input: {size: "x"}) }', {}],
  ['a wrong variable', 'mutation ($input: ProbeInput!) { measure(input: $input) }', { input: { size: 'x' } }],
  ['a missing variable', 'mutation ($input: ProbeInput!) { measure(input: $input) }', {}],
  ['a day that is none', 'mutation { measure(input: {size: 1, at: "2026-02-30T00:00:00Z"}) }', {}],
  [
    'such a day by variable',
    'mutation ($input: ProbeInput!) { measure(input: $input) }',
    { input: { size: 1, at: '2026-02-30T00:00:00Z' } },
  ],
  ['no operation', 'fragment F on Probe { name }', {}],
  ['a query too deep', `{ probe(kind: "a") { ${'child { '.repeat(15)} name ${'}'.repeat(15)} } }`, {}],
  ['a document without end', `{ ${'whoAmI '.repeat(10_001)} }`, {}],
])('%s is bad user input, over HTTP and over the socket', async (_case, query, variables) => {
  const { errors, status: code } = await api.graphql(query, variables);
  expect([code, errors.length > 0]).toEqual([400, true]);
  for (const error of errors) {
    expect(error.extensions.code).toBe('BAD_USER_INPUT');
    expect(JSON.stringify(error)).not.toContain('.js:');
  }
  const client = socket();
  const refused = await new Promise<unknown>((resolve) => {
    client.subscribe({ query, variables }, { next: resolve, error: resolve, complete: () => undefined });
  });
  const list = Array.isArray(refused) ? refused : (refused as { errors: unknown[] }).errors;
  expect(list[0]).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
});

test('a variable of the wrong type names its field', async () => {
  const query = 'mutation ($input: ProbeInput!) { measure(input: $input) }';
  const { extensions, locations } = await api.refusal(query, { input: { size: 'x' } });
  expect(extensions.fields).toMatchObject([{ path: 'size', rule: 'type' }]);
  expect(locations).toHaveLength(1);
});

test('a date comes back in UTC', async () => {
  const query = 'mutation ($input: ProbeInput!) { measure(input: $input) }';
  expect(await api.ask(query, { input: { size: 1, at: '2026-01-31T10:30:00+01:00' } })).toBe(
    '2026-01-31T09:30:00.000Z',
  );
});

test('a body that is not JSON, or too large, is told in the words of its face', async () => {
  const broken = await http('/graphql', { body: '{"query": ' });
  expect([broken.status, broken.body]).toMatchObject([
    400,
    { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] },
  ]);
  expect(await http('/probe', { body: '{"size": ' })).toMatchObject({
    status: 400,
    body: { error: { code: 400, status: 'INVALID_ARGUMENT' } },
  });
  const large = await http('/probe', { body: JSON.stringify({ size: 'x'.repeat(2_000_000) }) });
  expect([large.status, large.body]).toMatchObject([
    413,
    { error: { code: 413, status: 'INVALID_ARGUMENT' } },
  ]);
});

test('a form of another site cannot ask in the name of its visitor, and batches are refused', async () => {
  const form = await fetch(`${api.url}/graphql?query={whoAmI}`, {
    headers: { authorization: api.authorization },
  });
  expect(form.status).toBe(400);
  const batch = await http('/graphql', { body: '[{"query":"{ whoAmI }"},{"query":"{ whoAmI }"}]' });
  expect(batch.status).toBe(400);
});

test("a subscription's loaders forget between events, and its signal tells of the client's end", async () => {
  const client = socket();
  expect(await over(client, 'subscription { count }', 3)).toEqual(
    [1, 2, 3].map((count) => ({ data: { count } })),
  );
  await vi.waitFor(() => expect(ended).toHaveBeenCalledTimes(1), 20_000);
  const second = client.iterate({ query: 'subscription { count }' });
  await second.next();
  await client.dispose();
  await vi.waitFor(() => expect(ended).toHaveBeenCalledTimes(2), 20_000);
});

test('malformed upgrades, frames and messages end their connection and nothing else', async () => {
  const { port, host } = new URL(api.url);
  const upgrade = (path: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const protocol = 'Sec-WebSocket-Protocol: graphql-transport-ws\r\n';
  const attacks: (string | Buffer)[][] = [
    [`${upgrade('/elsewhere')}\r\n`],
    [`${upgrade('/graphqlx')}\r\n`],
    [`${upgrade('/graphql').replace('dGhlIHNhbXBsZSBub25jZQ==', 'short')}\r\n`],
    [`${upgrade('/graphql')}Sec-WebSocket-Protocol: ,,;\r\n\r\n`],
    [`${upgrade('/graphql')}\r\n`, Buffer.from([0xff, 0xff, 0xff, 0xff])],
    [`${upgrade('/graphql')}${protocol}\r\n`, Buffer.from([0xc1, 0xfe, 0xff, 0xff, 0xff, 0xff])],
    // A frame that announces 2 GiB.
    [
      `${upgrade('/graphql')}${protocol}\r\n`,
      Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x80, 0, 0, 0, 1, 2, 3, 4]),
    ],
  ];
  for (const parts of attacks) {
    for (const reset of [false, true]) {
      const raw = connect(Number(port), '127.0.0.1');
      raw.on('error', () => undefined);
      raw.resume();
      await once(raw, 'connect');
      for (const part of parts) raw.write(part);
      if (reset) raw.resetAndDestroy();
      await once(raw, 'close');
    }
  }
  for (const message of [
    '',
    'x',
    '[]',
    '{}',
    '{"type":"subscribe"}',
    '{"type":"connection_init","payload":7}',
  ]) {
    const raw = new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    await once(raw, 'open');
    raw.send(message);
    await once(raw, 'close');
  }
  const other = new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-ws');
  await once(other, 'error');
  expect(await over(socket(), '{ whoAmI }')).toEqual({ data: { whoAmI: api.projectId } });
});

test('a socket runs a bounded number of operations at a time', async () => {
  const client = socket();
  const outcomes: unknown[] = [];
  for (let i = 0; i < 101; i++) {
    client.subscribe(
      { query: 'subscription { count }' },
      {
        next: () => undefined,
        error: (error) => outcomes.push(error),
        complete: () => undefined,
      },
    );
  }
  await vi.waitFor(
    () => expect(outcomes).toMatchObject([[{ extensions: { code: 'RESOURCE_EXHAUSTED' } }]]),
    20_000,
  );
});

test('a key that is revoked loses its open sockets', async () => {
  let own: TestApi | null = null;
  try {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    own = await startApi([ProbeModule]);
    const raw = new WebSocket(`${own.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    await once(raw, 'open');
    raw.send(JSON.stringify({ type: 'connection_init', payload: { authorization: own.authorization } }));
    await once(raw, 'message');
    vi.spyOn(own.app.get(AccessService, { strict: false }), 'authenticate').mockRejectedValue(
      new DomainError('UNAUTHENTICATED', 'the key was revoked'),
    );
    vi.advanceTimersToNextTimer();
    const [code, reason] = (await once(raw, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4403, 'Forbidden: the key was revoked']);
  } finally {
    vi.useRealTimers();
    await own?.stop();
  }
});

test('in production the schema does not explain itself, over HTTP or the socket', async () => {
  const own = await startApi([ProbeModule], { NODE_ENV: 'production' });
  try {
    const query = '{ __schema { types { name } } }';
    const { errors } = await own.graphql(query);
    expect(errors[0]?.extensions.code).toBe('BAD_USER_INPUT');
    const client = createClient({
      url: `${own.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: own.authorization },
      retryAttempts: 0,
    });
    expect(await over(client, query)).toMatchObject([
      { message: expect.stringContaining('introspection') as unknown },
      { extensions: { code: 'BAD_USER_INPUT' } },
    ]);
    await client.dispose();
    const page = await fetch(`${own.url}/graphql`, { headers: { accept: 'text/html' } });
    expect(await page.text()).not.toContain('graphiql');
  } finally {
    await own.stop();
  }
});

test('stopping closes sockets with a reason', async () => {
  const own = await startApi([ProbeModule]);
  const raw = new WebSocket(`${own.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(raw, 'open');
  const closed = once(raw, 'close');
  await own.stop();
  expect((await closed)[0]).toBe(1001);
});
