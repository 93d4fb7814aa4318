// What the controllers of the Conversation API over REST share: bodies, queries, masks and pages. Source: Conversation API, rules of all endpoints.
import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  HttpCode,
  type PipeTransform,
  Post,
  type Type,
} from '@nestjs/common';
import { Type as Become } from 'class-transformer';
import { IsInt, IsOptional, IsString, Min } from 'class-validator';
import type { Request } from 'express';
import { DomainError, invalid } from '../errors.js';
import type { Page, PageRequest } from '../page.js';
import { camelName, camelNames, snakeName } from '../wire/names.js';
import { InputPipe } from './input.pipe.js';
import { assertShapes } from './shapes.js';

/** Base of every path of a project. */
export const PROJECT_V1 = 'v1/projects/:project_id';
export const PROJECT_V2 = 'v2/projects/:project_id';

/** Where the OpenAPI document finds the class of a handler's body and query. */
export const BODY_CLASS = 'parley:body';
export const QUERY_CLASS = 'parley:query';

/** A POST that answers 200, as every success of the API does. A colon of the path is written `\\:`. */
export const PostOk = (path = '') => applyDecorators(Post(path), HttpCode(200));

/** A body's or query's members with our own names, as yet unchecked. */
export type Plain = Record<string, unknown>;

/** Members that a class does not know are left out: existing clients send ids, states and what later versions brought. */
const lenient = new InputPipe({ forbidNonWhitelisted: false });

/** Checks it by the marks of the class. @throws DomainError INVALID_ARGUMENT */
export async function inputOf<T extends object>(metatype: Type<T>, plain: Plain): Promise<T> {
  const input = (await lenient.transform(plain, { type: 'body', metatype })) as T;
  assertShapes(input);
  return input;
}

/**
 * The JSON body as a checked input of this class.
 * @param read makes the class's own members of the wire's where more than the names differ.
 */
export function JsonBody<T extends object>(
  metatype: Type<T>,
  read: (plain: Plain) => Plain = withoutNulls,
): ParameterDecorator {
  return checkedParameter(BODY_CLASS, metatype, bodyOf, read);
}

/** The query as a checked input of this class. */
export function WireQuery<T extends object>(metatype: Type<T>): ParameterDecorator {
  return checkedParameter(QUERY_CLASS, metatype, queryOf, (plain) => plain);
}

/** The JSON body with our own names, for handlers that check it themselves, by this class. */
export function PlainBody(metatype: Type<object>): ParameterDecorator {
  return documented(
    BODY_CLASS,
    metatype,
    createParamDecorator((_data: unknown, context: ExecutionContext) => bodyOf(context))(),
  );
}

/** The field paths that a PATCH is about, in our own names; null without a mask: those that are in the body. */
export const UpdateMask = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  maskOf(requestOf(context)),
);

/**
 * What a PATCH changes. With a mask exactly the listed fields: those that the body lacks become null, which resets them. Without one the
 * fields of the body.
 * @param stored the objects of whose members a mask may list some (`retention_policy.ttl_days`), with those that stay.
 * @throws DomainError INVALID_ARGUMENT when it lists members of other fields, or such as there are not.
 */
export function patchOf(
  body: Plain,
  mask: readonly string[] | null,
  stored: Readonly<Record<string, Plain>> = {},
): Plain {
  if (!mask) return withoutNulls(body);
  const whole = mask.filter((path) => !path.includes('.'));
  const patch: Plain = Object.fromEntries(whole.map((field) => [field, body[field] ?? null]));
  for (const path of mask) {
    const dot = path.indexOf('.');
    const [field, member] = [path.slice(0, dot), path.slice(dot + 1)];
    if (dot < 0 || whole.includes(field)) continue;
    const before: Plain = Object.hasOwn(stored, field) ? (stored[field] ?? {}) : {};
    if (!Object.hasOwn(before, member)) throw notMaskable(field, member);
    const given = body[field] ?? {};
    // In proto JSON a flag that is not there is false.
    const reset = typeof before[member] === 'boolean' ? false : null;
    patch[field] =
      typeof given === 'object'
        ? { ...before, ...(patch[field] as Plain), [member]: (given as Plain)[member] ?? reset }
        : given;
  }
  return patch;
}

function notMaskable(field: string, member: string): DomainError {
  const message = `update_mask cannot list ${snakeName(field)}.${snakeName(member)}; list ${snakeName(field)}, which is then written whole`;
  return invalid('updateMask', 'fieldPath', message);
}

/** In proto JSON null is the same as not there. */
export function withoutNulls(plain: Plain): Plain {
  return Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== null));
}

/** Which page of a list. */
export class PageQuery {
  @IsOptional()
  @Become(() => Number)
  @IsInt()
  @Min(0)
  pageSize?: number;

  @IsOptional()
  @IsString()
  pageToken?: string;
}

/** A page as the services want it; what is above the maximum is the maximum. */
export function pageRequest(
  { pageSize, pageToken }: PageQuery,
  { size = 10, max }: { size?: number; max: number },
): PageRequest {
  return { first: Math.min(pageSize || size, max), after: pageToken || null };
}

/** Empty on the last page. */
export function nextPageToken<T>({ items, hasNextPage }: Page<T>): string {
  return hasNextPage ? (items.at(-1)?.cursor ?? '') : '';
}

function checkedParameter<T extends object>(
  key: string,
  metatype: Type<T>,
  take: (context: ExecutionContext) => Plain,
  read: (plain: Plain) => Plain,
): ParameterDecorator {
  const pipe: PipeTransform<Plain, Promise<T>> = { transform: (plain) => inputOf(metatype, read(plain)) };
  return documented(
    key,
    metatype,
    createParamDecorator((_data: unknown, context: ExecutionContext) => take(context))(pipe),
  );
}

/** Leaves the class where the OpenAPI document finds it. */
function documented(key: string, metatype: Type<object>, decorate: ParameterDecorator): ParameterDecorator {
  return (target, method, index) => {
    if (method !== undefined) Reflect.defineMetadata(key, metatype, target, method);
    decorate(target, method, index);
  };
}

function requestOf(context: ExecutionContext): Request {
  return context.switchToHttp().getRequest<Request>();
}

/** No body is an empty one: clients send none where nothing is to be said. */
function bodyOf(context: ExecutionContext): Plain {
  const body: unknown = requestOf(context).body ?? {};
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new DomainError('INVALID_ARGUMENT', 'the body must be a JSON object');
  }
  return camelNames(body) as Plain;
}

function queryOf(context: ExecutionContext): Plain {
  return camelNames({ ...requestOf(context).query }) as Plain;
}

/** One list joined by commas, or several; `update_mask.paths` is its name of old. */
function maskOf({ query }: Request): string[] | null {
  const given = [query.update_mask, query.updateMask, query['update_mask.paths']]
    .flat()
    .filter((value) => typeof value === 'string')
    .flatMap((value) => value.split(','))
    .map((path) => path.trim())
    .filter((path) => path !== '');
  return given.length === 0 ? null : [...new Set(given.map(camelName))];
}
