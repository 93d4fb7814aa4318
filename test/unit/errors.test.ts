import { Metadata, status } from '@grpc/grpc-js';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import { HttpException, Logger, NotFoundException } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/internal';
import { GraphQLError, parse, Source } from 'graphql';
import { lastValueFrom, type Observable } from 'rxjs';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ErrorFilter } from '../../src/api/error.filter.js';
import { presentError } from '../../src/api/error.graphql.js';
import { grpcError, rpcStatus } from '../../src/api/error.grpc.js';
import { httpError } from '../../src/api/error.http.js';
import { snakeCasePath } from '../../src/api/error.table.js';
import { explain } from '../../src/api/explain.js';
import { LOADER_OPTIONS } from '../../src/api/proto.js';
import { DomainError, type ErrorCode, invalid, notFound } from '../../src/errors.js';

const rpc = loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto'], LOADER_OPTIONS);

function decode(type: string, bytes: Buffer): unknown {
  return (rpc[type] as MessageTypeDefinition<object, object>).deserialize(bytes);
}

test.each<[ErrorCode, number, string, string, status]>([
  ['INVALID_ARGUMENT', 400, 'INVALID_ARGUMENT', 'BAD_USER_INPUT', status.INVALID_ARGUMENT],
  ['UNAUTHENTICATED', 401, 'UNAUTHENTICATED', 'UNAUTHENTICATED', status.UNAUTHENTICATED],
  ['PERMISSION_DENIED', 403, 'UNAUTHORIZED', 'FORBIDDEN', status.PERMISSION_DENIED],
  ['NOT_FOUND', 404, 'NOT_FOUND', 'NOT_FOUND', status.NOT_FOUND],
  ['ALREADY_EXISTS', 409, 'ALREADY_EXISTS', 'CONFLICT', status.ALREADY_EXISTS],
  ['FAILED_PRECONDITION', 400, 'FAILED_PRECONDITION', 'FAILED_PRECONDITION', status.FAILED_PRECONDITION],
  ['OUT_OF_RANGE', 400, 'OUT_OF_RANGE', 'BAD_USER_INPUT', status.OUT_OF_RANGE],
  ['RESOURCE_EXHAUSTED', 429, 'RESOURCE_EXHAUSTED', 'RESOURCE_EXHAUSTED', status.RESOURCE_EXHAUSTED],
  ['UNAVAILABLE', 503, 'UNAVAILABLE', 'UNAVAILABLE', status.UNAVAILABLE],
  ['DEADLINE_EXCEEDED', 504, 'DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', status.DEADLINE_EXCEEDED],
  ['CANCELLED', 499, 'CANCELLED', 'CANCELLED', status.CANCELLED],
  ['INTERNAL', 500, 'INTERNAL_ERROR', 'INTERNAL', status.INTERNAL],
])('%s is said by every face in its own words', (code, http, envelope, graphql, grpc) => {
  const explained = explain(new DomainError(code, 'because'));
  expect(httpError(explained)).toEqual({
    error: { code: http, message: 'because', status: envelope, details: [] },
  });
  expect(presentError(new DomainError(code, 'because'))).toMatchObject({
    message: 'because',
    extensions: { code: graphql },
  });
  expect(grpcError(explained)).toMatchObject({ code: grpc, details: 'because' });
});

test('a kind tells GraphQL clients more than the code does', () => {
  const expired = new DomainError('OUT_OF_RANGE', 'too old', [], 'CURSOR_EXPIRED');
  expect(presentError(expired).extensions).toEqual({ code: 'CURSOR_EXPIRED' });
});

test('a broken rule names its field, in camelCase for GraphQL and in snake_case for HTTP and gRPC', () => {
  const path = 'message.choiceMessage.choices[2].urlMessage.url';
  const error = invalid(path, 'isUrl', 'url must be a URL');
  const explained = explain(error);
  expect(presentError(error).extensions).toEqual({
    code: 'BAD_USER_INPUT',
    fields: [{ path, rule: 'isUrl', message: 'url must be a URL' }],
  });
  const violation = {
    field: 'message.choice_message.choices[2].url_message.url',
    description: 'url must be a URL',
    reason: 'isUrl',
  };
  expect(httpError(explained).error.details).toEqual([
    { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [violation] },
  ]);
  const [trailer] = grpcError(explained).metadata.get('grpc-status-details-bin');
  const rich = decode('google.rpc.Status', trailer as Buffer) as {
    code: number;
    message: string;
    details: { type_url: string; value: Buffer }[];
  };
  expect(rich).toMatchObject({ code: status.INVALID_ARGUMENT, message: 'url must be a URL' });
  expect(rich.details).toMatchObject([{ type_url: 'type.googleapis.com/google.rpc.BadRequest' }]);
  expect(decode('google.rpc.BadRequest', rich.details[0]?.value ?? Buffer.alloc(0))).toEqual({
    fieldViolations: [violation],
  });
});

test.each([
  [new DomainError('UNAVAILABLE', 'later'), 'RetryInfo', { retryDelay: { seconds: '1' } }],
  [new DomainError('RESOURCE_EXHAUSTED', 'later'), 'RetryInfo', { retryDelay: { seconds: '5' } }],
  [
    new DomainError('OUT_OF_RANGE', 'gone', [], 'CURSOR_EXPIRED'),
    'ErrorInfo',
    { reason: 'CURSOR_EXPIRED', domain: 'parley' },
  ],
])('a gRPC client is told by details what the code cannot say: %s', (error, type, fields) => {
  const { details } = rpcStatus(explain(error));
  expect(details.map(({ type_url }) => type_url)).toEqual([`type.googleapis.com/google.rpc.${type}`]);
  expect(decode(`google.rpc.${type}`, details[0]?.value ?? Buffer.alloc(0))).toEqual(fields);
});

test.each([
  ['appId', 'app_id'],
  ['channelProperties.MESSENGER_MESSAGE_TAG', 'channel_properties.MESSENGER_MESSAGE_TAG'],
  ['input[0].channelIdentities[1].appId', 'input[0].channel_identities[1].app_id'],
  ['', ''],
])('the path %s is %s in snake_case', (path, expected) => {
  expect(snakeCasePath(path)).toBe(expected);
});

describe('what nobody foresaw', () => {
  const log = vi.spyOn(Logger.prototype, 'error');
  beforeEach(() => {
    log.mockReset().mockReturnValue(undefined);
  });
  afterAll(() => {
    log.mockRestore();
  });

  test('is in the log under a request id, which is all that the caller learns', () => {
    const leak = Object.assign(new Error('password=hunter2 at /srv/app'), { parameters: ['private text'] });
    const explained = explain(leak, 'request-1');
    const answers = [httpError(explained), grpcError(explained), presentError(leak)];
    expect(JSON.stringify(answers)).not.toContain('hunter2');
    expect(explained.error.message).toContain('request-1');
    expect(explained.httpStatus).toBe(500);
    expect(log.mock.calls[0]?.[0]).toMatchObject({
      requestId: 'request-1',
      error: { message: leak.message, stack: leak.stack },
    });
    expect(JSON.stringify(log.mock.calls)).not.toContain('private text');
    const presented = presentError(leak);
    expect(presented.extensions).toMatchObject({
      code: 'INTERNAL',
      requestId: expect.any(String) as unknown,
    });
    expect(log.mock.calls.at(-1)?.[0]).toMatchObject({ requestId: presented.extensions?.requestId });
  });

  test('may be anything that can be thrown', () => {
    for (const thrown of [undefined, null, 'text', 7, {}, { status: 500, expose: false }]) {
      expect(explain(thrown).error.code).toBe('INTERNAL');
    }
    expect(log).toHaveBeenCalledTimes(6);
  });

  test.each([
    [new NotFoundException('Cannot GET /nowhere'), 404, 'NOT_FOUND'],
    [new HttpException('too large', 413), 413, 'INVALID_ARGUMENT'],
    [new HttpException('teapot', 418), 418, 'INVALID_ARGUMENT'],
    [Object.assign(new Error('bad JSON'), { status: 400, expose: true }), 400, 'INVALID_ARGUMENT'],
    [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), 503, 'UNAVAILABLE'],
    [Object.assign(new Error('terminating connection'), { code: '57P01' }), 503, 'UNAVAILABLE'],
    [
      Object.assign(new Error('cached plan must not change result type'), { code: '0A000' }),
      503,
      'UNAVAILABLE',
    ],
  ])('is not what the framework or the database says of itself: %s', (thrown, http, code) => {
    expect(explain(thrown)).toMatchObject({ httpStatus: http, error: { code } });
    expect(log).not.toHaveBeenCalled();
  });

  test('in a resolver keeps its place in the answer', () => {
    const located = new GraphQLError('secret', {
      path: ['app', 'channels'],
      originalError: new Error('secret'),
    });
    expect(presentError(located)).toMatchObject({
      path: ['app', 'channels'],
      extensions: { code: 'INTERNAL' },
    });
    expect(JSON.stringify(presentError(located))).not.toContain('"secret"');
  });

  test('includes a value of ours that a scalar cannot show', () => {
    const unlocated = new GraphQLError('DateTime cannot represent ...');
    const located = new GraphQLError(unlocated.message, { path: ['app'], originalError: unlocated });
    expect(presentError(located).extensions).toMatchObject({ code: 'INTERNAL' });
  });
});

test.each([
  [
    'Variable "$input" got invalid value 5 at "input.displayName"; String cannot represent a non string value: 5',
    'displayName',
  ],
  [
    'Variable "$x" got invalid value {}; Field "displayName" of required type "String!" was not provided.',
    'displayName',
  ],
  [
    'Variable "$x" got invalid value {} at "x.choices[1]"; Field "title" of required type "String!" was not provided.',
    'choices[1].title',
  ],
  ['Field "CreateAppInput.displayName" of required type "String!" was not provided.', 'displayName'],
])('a value that GraphQL itself refuses names its field: %s', (message, path) => {
  const document = parse('query ($x: Int) { a(x: $x) }');
  expect(presentError(new GraphQLError(message, { nodes: document.definitions[0] }))).toMatchObject({
    message,
    locations: [{ line: 1, column: 1 }],
    extensions: { code: 'BAD_USER_INPUT', fields: [{ path, rule: 'type', message }] },
  });
});

test('a syntax error tells where', () => {
  const error = new GraphQLError('Syntax Error: Unexpected "}".', {
    source: new Source('{ a { } }'),
    positions: [6],
  });
  expect(presentError(error)).toEqual({
    message: error.message,
    locations: [{ line: 1, column: 7 }],
    extensions: { code: 'BAD_USER_INPUT', fields: [] },
  });
});

describe('the filter on gRPC', () => {
  const filter = new ErrorFilter();

  function answer(args: unknown[]): Observable<unknown> {
    const host = new ExecutionContextHost(args);
    host.setType('rpc');
    return filter.catch(notFound('Message', 'M1'), host) as Observable<unknown>;
  }

  test('ends a call with the status', async () => {
    await expect(lastValueFrom(answer([{}, new Metadata(), {}]))).rejects.toMatchObject({
      code: status.NOT_FOUND,
    });
  });

  test('gives a handler of a whole stream the error by the call, since nobody looks at what it returns', async () => {
    const emit = vi.fn();
    await expect(lastValueFrom(answer([{ emit }]))).resolves.toBeUndefined();
    expect(emit).toHaveBeenCalledExactlyOnceWith(
      'error',
      expect.objectContaining({ code: status.NOT_FOUND }),
    );
  });
});
