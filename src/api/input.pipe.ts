import { Injectable, Optional, ValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { type DomainError, type FieldViolation, invalid, invalidFields } from '../errors.js';
import { compiledInput } from './compiled-input.js';

/** Deeper than any input of ours; what is deeper only means to exhaust the stack. */
const MAX_DEPTH = 40;

/** Checks every input of every face by the marks of its class, and that Postgres can store its texts. */
@Injectable()
export class InputPipe extends ValidationPipe {
  /** @param options whether members that the class does not know are refused, or else left out. */
  constructor(
    @Optional() { forbidNonWhitelisted }: { forbidNonWhitelisted: boolean } = { forbidNonWhitelisted: true },
  ) {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted,
      validationError: { target: false, value: false },
      exceptionFactory: inputError,
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { metatype } = metadata;
    if (metatype === String || this.toValidate(metadata)) assertStorable(value, metadata.data ?? '');
    const made =
      metatype && this.toValidate(metadata) ? compiledInput(metatype as new () => object)?.(value) : null;
    return made ?? (super.transform(value, metadata) as Promise<unknown>);
  }
}

/** The broken rules of an input as one error, with paths such as `message.choiceMessage.choices[2].urlMessage.url`. */
export function inputError(errors: ValidationError[]): DomainError {
  return invalidFields(errors.flatMap((error) => violations(error, '')));
}

function violations(error: ValidationError, parent: string): FieldViolation[] {
  const path = join(parent, error.property);
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({ path, rule, message }));
  return [...own, ...(error.children ?? []).flatMap((child) => violations(child, path))];
}

function join(parent: string, key: string): string {
  if (/^\d+$/.test(key)) return `${parent}[${key}]`;
  return parent === '' ? key : `${parent}.${key}`;
}

/** Postgres has no NUL and no half characters (lone surrogates) in its texts and JSON, the names of members included. */
function assertStorable(value: unknown, name: string): void {
  if (!isStorable(value)) throw faultIn(value, name);
}

// Lists of what is left to look at instead of recursion: the depth is the caller's choice.
function isStorable(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return false;
    const below: unknown[] = [];
    for (const current of level) {
      if (typeof current === 'string') {
        if (!isStorableText(current)) return false;
      } else if (Array.isArray(current)) {
        for (const child of current) below.push(child);
      } else if (typeof current === 'object' && current !== null) {
        for (const [key, child] of Object.entries(current)) {
          if (!isStorableText(key)) return false;
          below.push(child);
        }
      }
    }
    level = below;
  }
  return true;
}

function isStorableText(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

function faultIn(value: unknown, name: string): DomainError {
  const left = [{ value, path: name, depth: 0 }];
  for (let next = left.pop(); next; next = left.pop()) {
    const { value: current, path, depth } = next;
    if (typeof current === 'string' && !isStorableText(current)) return unstorable(path, path);
    if (typeof current !== 'object' || current === null || depth > MAX_DEPTH) continue;
    const base = depth === 0 && !Array.isArray(current) ? '' : path;
    for (const [key, child] of Object.entries(current)) {
      if (!isStorableText(key)) return unstorable(path, `a member's name in ${path || 'the input'}`);
      left.push({ value: child, path: join(base, key), depth: depth + 1 });
    }
  }
  return invalid(name, 'depth', `the input is nested deeper than ${MAX_DEPTH} levels`);
}

function unstorable(path: string, what: string): DomainError {
  return invalid(path, 'text', `${what} has a NUL or half of a surrogate pair, which cannot be stored`);
}
