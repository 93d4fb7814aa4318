// The OpenAPI document of the REST face, made of its controllers: their routes, and the marks of what they take.
import { RequestMethod, type Type } from '@nestjs/common';
import { ANSWERS } from './openapi.answers.js';
import { OPERATIONS } from './openapi.operations.js';
import { refTo, RequestSchemas, type Schema, TEXT } from './openapi.schemas.js';
import { BODY_CLASS, QUERY_CLASS } from './rest.js';

/** Where Nest keeps the routes of controllers. */
const PATH = 'path';
const METHOD = 'method';

/** A handler with its route. */
export interface Route {
  /** Such as `GET`; `ALL` of what is there to be refused. */
  method: string;
  /** Such as `/v1/projects/{project_id}/contacts/{destination_id}:merge`. */
  path: string;
  body?: Type<object>;
  query?: Type<object>;
}

/** The routes of a controller, by the decorators of its class and methods. */
export function routesOf(controller: Type<object>): Route[] {
  const base: string[] = [
    (Reflect.getMetadata(PATH, controller) as string | string[] | undefined) ?? '',
  ].flat();
  const prototype = controller.prototype as Record<string, unknown>;
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const handler = Object.getOwnPropertyDescriptor(prototype, name)?.value as object | undefined;
    if (typeof handler !== 'function' || !Reflect.hasMetadata(METHOD, handler)) return [];
    const method = RequestMethod[Reflect.getMetadata(METHOD, handler) as RequestMethod];
    const paths = [Reflect.getMetadata(PATH, handler) as string | string[]].flat();
    const body = Reflect.getMetadata(BODY_CLASS, prototype, name) as Type<object> | undefined;
    const query = Reflect.getMetadata(QUERY_CLASS, prototype, name) as Type<object> | undefined;
    return base.flatMap((above) =>
      paths.map((below) => ({
        method,
        path: templateOf(above, below),
        ...(body ? { body } : {}),
        ...(query ? { query } : {}),
      })),
    );
  });
}

/** @param controllers of the whole service; what is not of the Conversation API is left out. */
export function openApiDocument(controllers: readonly Type<object>[], server: string): Schema {
  const requests = new RequestSchemas();
  const paths: Record<string, Record<string, Schema>> = {};
  for (const route of controllers.flatMap(routesOf)) {
    const operation = OPERATIONS.get(`${route.method} ${route.path}`);
    if (!operation) continue;
    const { id, tag, answer } = operation;
    const body = operation.body ? refTo(operation.body) : route.body && requests.add(route.body);
    paths[route.path] = {
      ...paths[route.path],
      [route.method.toLowerCase()]: {
        operationId: id,
        tags: [tag],
        parameters: parametersOf(route, requests),
        ...(body ? { requestBody: { required: true, content: json(body) } } : {}),
        responses: {
          200: { description: 'Done.', content: json(refTo(answer)) },
          default: { description: 'Refused.', content: json(refTo('Error')) },
        },
      },
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version: '1',
      description:
        'The Conversation API over REST: apps, contacts, conversations, messages, events, webhooks and templates.',
    },
    servers: [{ url: server }],
    security: [{ basic: [] }, { oauth2: [] }],
    paths: { ...paths, '/oauth2/token': { post: TOKEN } },
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic', description: 'Id and secret of an access key.' },
        oauth2: {
          type: 'oauth2',
          flows: { clientCredentials: { tokenUrl: '/oauth2/token', scopes: {} } },
        },
      },
      schemas: { ...requests.schemas, ...ANSWERS },
    },
  };
}

const json = (schema: Schema): Schema => ({ 'application/json': { schema } });

const TOKEN: Schema = {
  operationId: 'OAuth2_Token',
  tags: ['Tokens'],
  security: [{ basic: [] }],
  requestBody: {
    required: true,
    content: {
      'application/x-www-form-urlencoded': {
        schema: {
          type: 'object',
          required: ['grant_type'],
          properties: { grant_type: { type: 'string', enum: ['client_credentials'] } },
        },
      },
    },
  },
  responses: {
    200: { description: 'A token for an hour.', content: json(refTo('AccessToken')) },
    default: {
      description: 'Refused, in the form of OAuth 2.0.',
      content: json({ type: 'object', properties: { error: TEXT, error_description: TEXT } }),
    },
  },
};

function parametersOf(route: Route, requests: RequestSchemas): Schema[] {
  const { properties = {}, required = [] } = route.query ? requests.schemaOf(route.query) : {};
  const masked = route.method === 'PATCH' && !/\/(settings|messages\/)/.test(route.path);
  const keyed = route.path.endsWith(':send');
  return [
    ...[...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: TEXT,
    })),
    ...Object.entries(properties).map(([name, schema]) => ({
      name,
      in: 'query',
      required: required.includes(name),
      schema,
    })),
    ...(masked ? [UPDATE_MASK] : []),
    ...(keyed ? [IDEMPOTENCY_KEY] : []),
  ];
}

const UPDATE_MASK: Schema = {
  name: 'update_mask',
  in: 'query',
  required: false,
  explode: false,
  description:
    'The fields to write, or single members of settings (retention_policy.ttl_days); those that the body lacks are reset. Without it: the fields of the body.',
  schema: { type: 'array', items: TEXT },
};

const IDEMPOTENCY_KEY: Schema = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Sending again with the same key gives the first answer and sends nothing.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

/** `contacts/:destination_id\\:merge` as a template. */
function templateOf(above: string, below: string): string {
  const path = [above, below].map((part) => part.replace(/^\/|\/$/g, '')).filter((part) => part !== '');
  return `/${path
    .join('/')
    .replace(/(?<!\\):(\w+)/g, '{$1}')
    .replaceAll('\\:', ':')}`;
}
