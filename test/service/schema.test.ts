// One model, three tellings: the content model, the GraphQL schema and the protos. What one has the others must have too.
import { loadSync } from '@grpc/proto-loader';
import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  getNamedType,
  type GraphQLNamedType,
  type GraphQLType,
  type IntrospectionQuery,
  isEnumType,
  isInputObjectType,
  isObjectType,
  isUnionType,
  lexicographicSortSchema,
  parse,
  printSchema,
  validate,
} from 'graphql';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { LOADER_OPTIONS, protoFiles } from '../../src/api/proto.js';
import { buildService, freePort, startService } from '../support/child.js';
import { createTestDatabase } from '../support/database.js';
import { selectionOf } from '../support/selection.js';

const SRC = join(import.meta.dirname, '../../src');
const PACKAGE = 'parley.conversation.v1';
const committed = readFileSync(join(SRC, 'schema.graphql'), 'utf8');
const schema = buildSchema(committed);

interface ProtoType {
  field?: { name: string; typeName: string }[];
  value?: { name: string }[];
}

const protos = loadSync(protoFiles(), { ...LOADER_OPTIONS, keepCase: true });

/** What a field holds: a type to look into, or null. */
type FieldTypes<T> = Map<string, T | null>;
type ModelType = ts.InterfaceDeclaration | ts.TypeLiteralNode;

const interfaces = new Map<string, ts.InterfaceDeclaration>(
  ['app-message.ts', 'contact-message.ts', 'reason.ts'].flatMap((file) =>
    ts
      .createSourceFile(file, readFileSync(join(SRC, 'content', file), 'utf8'), ts.ScriptTarget.Latest)
      .statements.filter((statement) => ts.isInterfaceDeclaration(statement))
      .map((declaration) => [declaration.name.text, declaration] as const),
  ),
);

function modelFields(model: ModelType): FieldTypes<ModelType> {
  const members: readonly ts.TypeElement[] = model.members;
  const extended = ts.isInterfaceDeclaration(model) ? (model.heritageClauses ?? []) : [];
  const inherited = extended
    .flatMap(({ types }) => [...types])
    .flatMap(({ expression }) => [...modelFields(modelNamed((expression as ts.Identifier).text))]);
  return new Map([
    ...inherited,
    ...members
      .filter(ts.isPropertySignature)
      .map(({ name, type }) => [(name as ts.Identifier).text, type ? modelTypeOf(type) : null] as const),
  ]);
}

function modelTypeOf(node: ts.TypeNode): ModelType | null {
  if (ts.isTypeLiteralNode(node)) return node;
  if (ts.isArrayTypeNode(node)) return modelTypeOf(node.elementType);
  if (!ts.isTypeReferenceNode(node)) return null;
  return interfaces.get((node.typeName as ts.Identifier).text) ?? null;
}

function modelNamed(name: string): ts.InterfaceDeclaration {
  const found = interfaces.get(name);
  if (!found) throw new Error(`src/content has no interface ${name}`);
  return found;
}

function protoNamed(name: string): ProtoType {
  const found = protos[`${PACKAGE}.${name}`];
  if (!found || !('type' in found)) throw new Error(`the protos have no ${name}`);
  return found.type as ProtoType;
}

function protoFields(type: ProtoType): FieldTypes<ProtoType> {
  return new Map(
    (type.field ?? []).map(({ name, typeName }) => {
      const found = protos[typeName.includes('.') ? typeName.replace(/^\./, '') : `${PACKAGE}.${typeName}`];
      const fields = found && 'type' in found ? (found.type as ProtoType) : null;
      return [name, fields?.field ? fields : null];
    }),
  );
}

/** Fields by their names in JSON. */
function graphqlFields(type: GraphQLNamedType | undefined): FieldTypes<GraphQLNamedType> {
  if (!isObjectType(type) && !isInputObjectType(type)) throw new Error(`${String(type)} has no fields`);
  return new Map(
    Object.values<{ name: string; type: GraphQLType }>(type.getFields()).map((field) => {
      const named = getNamedType(field.type);
      const name = snakeCase(field.name);
      return [SHORTER.get(name) ?? name, isObjectType(named) || isInputObjectType(named) ? named : null];
    }),
  );
}

/** What GraphQL has as one field is an object elsewhere. */
const SHORTER = new Map([['reply_to_message_id', 'reply_to']]);

/** Maps to the protos, lists of entries to GraphQL: compared entry by entry, in tests of their own. */
const MAPS = new Set([
  'explicit_channel_message',
  'channel_specific_message',
  'explicit_channel_omni_message',
  'channel_template',
  'parameters',
  'channel_properties',
]);

/** Holds two tellings of a type together, field by field and as deep as they go. @returns every type that was compared. */
function expectSame<A, B>(
  path: string,
  a: A,
  fieldsOfA: (type: A) => FieldTypes<A>,
  b: B,
  fieldsOfB: (type: B) => FieldTypes<B>,
): string[] {
  const [left, right] = [fieldsOfA(a), fieldsOfB(b)];
  expect([...left.keys()].sort(), path).toEqual([...right.keys()].sort());
  const compared = [...left].flatMap(([name, type]) => {
    const other = right.get(name);
    return type && other && !MAPS.has(name)
      ? expectSame(`${path}.${name}`, type, fieldsOfA, other, fieldsOfB)
      : [];
  });
  return [path, ...compared];
}

test('the committed schema is the one that is served', async () => {
  const database = await createTestDatabase();
  const [dataDir, port] = [mkdtempSync(join(tmpdir(), 'parley-schema-')), await freePort()];
  const key = { id: 'schema-key', secret: 'schema-secret-0123456789' };
  // A process of its own: what other tests add to the types of this one is not served.
  const service = await startService(await buildService(), {
    NODE_ENV: 'test',
    PORT: String(port),
    GRPC_PORT: '0',
    DATABASE_URL: database.url,
    PARLEY_DATA_DIR: dataDir,
    PARLEY_ROLES: 'api',
    PARLEY_BOOTSTRAP_PROJECT_ID: 'schema',
    PARLEY_BOOTSTRAP_KEY_ID: key.id,
    PARLEY_BOOTSTRAP_KEY_SECRET: key.secret,
    GRAPHQL_EXPLORER: '1',
  });
  try {
    const query = getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true, oneOf: true });
    const answer = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from(`${key.id}:${key.secret}`).toString('base64')}`,
      },
      body: JSON.stringify({ query }),
    });
    const { data } = (await answer.json()) as { data: IntrospectionQuery };
    const served = `${printSchema(lexicographicSortSchema(buildClientSchema(data)))}\n`;
    expect(served, 'src/schema.graphql is out of date: run npm run schema').toBe(committed);
  } finally {
    await service.stop();
    await database.drop();
    rmSync(dataDir, { recursive: true, force: true });
  }
});

describe('what an app says', () => {
  const DEEPEST = [
    'AppMessage.choice_message.choices.location_message.coordinates',
    'AppMessage.carousel_message.cards.choices.calendar_message',
    'AppMessage.list_message.sections.items.product',
    'AppMessage.contact_info_message.addresses',
    'AppMessage.template_message.omni_template',
  ];
  /** What the maps hold, beside the message itself. */
  const TYPES = ['AppMessage', 'OmniMessageOverride', 'ChannelSpecificMessage', 'TemplateReference'];

  test.each(TYPES)('is the same in the model and in the protos: %s', (name) => {
    const compared = expectSame(name, modelNamed(name), modelFields, protoNamed(name), protoFields);
    expect(compared).toEqual(expect.arrayContaining(name === 'AppMessage' ? DEEPEST : [name]));
  });

  test.each([
    { name: 'AppMessage', input: 'AppMessageInput' },
    { name: 'OmniMessageOverride', input: 'OmniMessageOverrideInput' },
    { name: 'ChannelSpecificMessage', input: 'ChannelSpecificMessageInput' },
    { name: 'TemplateReference', input: 'TemplateReferenceInput' },
    { name: 'TemplateReference', input: 'ChannelTemplateInput' },
    { name: 'ChannelSpecificMessage', input: 'ChannelSpecificContent' },
    { name: 'TemplateReference', input: 'ChannelTemplate' },
  ])('is the same in the model and in GraphQL: $input', ({ name, input }) => {
    const root = schema.getType(input) as GraphQLNamedType;
    const compared = expectSame(name, modelNamed(name), modelFields, root, (type) => {
      const fields = graphqlFields(type);
      // The key of the map.
      if (type === root) fields.delete('channel');
      return fields;
    });
    expect(compared).toEqual(expect.arrayContaining(name === 'AppMessage' ? DEEPEST : [name]));
  });

  test('has other content for one channel as an entry of a list in GraphQL', () => {
    const entry = graphqlFields(schema.getType('ExplicitChannelOmniMessageInput'));
    expect([...entry.keys()]).toEqual(['channel', 'message']);
    expect(entry.get('message')?.name).toBe('OmniMessageOverrideInput');
  });
});

test('what a contact says is the same in the model and in the protos', () => {
  const compared = expectSame(
    'ContactMessage',
    modelNamed('ContactMessage'),
    modelFields,
    protoNamed('ContactMessage'),
    protoFields,
  );
  expect(compared).toContain('ContactMessage.fallback_message.reason');
  expect(compared).toContain('ContactMessage.product_response_message.products');
});

test('every content that a message can have is shown by GraphQL, with the same fields', () => {
  const union = schema.getType('MessageContent');
  if (!isUnionType(union)) throw new Error('MessageContent is no union');
  const contents = new Map(
    ['AppMessage', 'ContactMessage'].flatMap((name) =>
      [...modelFields(modelNamed(name))].filter(([field]) => field.endsWith('_message')),
    ),
  );
  expect(
    union
      .getTypes()
      .map(({ name }) => name)
      .sort(),
  ).toEqual([...contents.keys()].map(pascalCase).sort());
  for (const [field, model] of contents) {
    const shown = schema.getType(pascalCase(field));
    if (model && !MAPS.has(field))
      expectSame(field, model, modelFields, shown as GraphQLNamedType, graphqlFields);
  }
});

test('every content can be asked for in one query', () => {
  const type = schema.getType('MessageContent') as GraphQLNamedType;
  const query = `query { message(id: "1") { content ${selectionOf(type)} } }`;
  expect(validate(schema, parse(query)).map(({ message }) => message)).toEqual([]);
});

test('a send is asked for by the same fields in GraphQL and in the protos', () => {
  const asked = graphqlFields(schema.getType('SendMessageInput'));
  const input = schema.getType('SendMessageInput') as GraphQLNamedType;
  const compared = expectSame(
    'SendMessage',
    input,
    (type) => (type === input ? asked : graphqlFields(type)),
    protoNamed('SendMessageRequest'),
    (type) => {
      const fields = protoFields(type);
      // Tells the results of one stream apart.
      if (type === protoNamed('SendMessageRequest')) fields.delete('client_ref');
      return fields;
    },
  );
  expect(compared).toContain('SendMessage.recipient.identified_by.channel_identities');
});

interface EnumPair {
  graphql: string;
  proto: string;
  protoOnly?: string[];
}

function expectSameValues({ graphql, proto, protoOnly = [] }: EnumPair): void {
  const type = schema.getType(graphql);
  if (!isEnumType(type)) throw new Error(`${graphql} is no enum`);
  const names = type.getValues().map(({ name }) => name);
  const others = (protoNamed(proto).value ?? []).map(({ name }) => name);
  expect(others.sort()).toEqual([...names, ...protoOnly].sort());
}

const ENUMS: EnumPair[] = [
  { graphql: 'AgentType', proto: 'AgentType' },
  { graphql: 'CardHeight', proto: 'CardHeight' },
  { graphql: 'DisplayMode', proto: 'DisplayMode' },
  { graphql: 'ConversationDirection', proto: 'ConversationDirection', protoOnly: ['UNDEFINED_DIRECTION'] },
  // GraphQL says by null that a message came in.
  { graphql: 'MessageStatus', proto: 'Status', protoOnly: ['STATUS_UNSPECIFIED', 'RECEIVED'] },
  { graphql: 'MessageQueue', proto: 'MessageQueue' },
  { graphql: 'ProcessingStrategy', proto: 'ProcessingStrategy' },
  { graphql: 'MetadataUpdateStrategy', proto: 'MetadataUpdateStrategy' },
  { graphql: 'MessageContentType', proto: 'MessageContentType' },
  { graphql: 'ConversationChannel', proto: 'ConversationChannel' },
  { graphql: 'ProcessingMode', proto: 'ProcessingMode' },
  { graphql: 'ChannelState', proto: 'ChannelState', protoOnly: ['CHANNEL_STATE_UNSPECIFIED'] },
  { graphql: 'ReactionAction', proto: 'ReactionAction', protoOnly: ['REACTION_ACTION_UNKNOWN'] },
];

test.each(ENUMS)('the enum $graphql has the same values in the protos', expectSameValues);

/** Of requests that GraphQL does not have. */
const GRPC_ONLY = ['ConversationMessagesView', 'MessagesSource'];

test('every enum of the protos is held to one of GraphQL', () => {
  const enums = Object.entries(protos)
    .filter(
      ([name, { format }]) => name.startsWith(PACKAGE) && format === 'Protocol Buffer 3 EnumDescriptorProto',
    )
    .map(([name]) => name.slice(PACKAGE.length + 1));
  expect(enums.sort()).toEqual([...ENUMS.map(({ proto }) => proto), ...GRPC_ONLY].sort());
});

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
