import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { getMetadataStorage, type ValidationArguments } from 'class-validator';

/** A class whose fields have marks. */
type InputClass = new () => object;

/** Makes an instance of valid input, by the constraints of class-validator itself; null for anything else, also what it does not know. */
export type CompiledInput = (plain: unknown) => object | null;

interface Field {
  name: string;
  /** All have to hold, or nothing of the field is looked at: @IsOptional, @ValidateIf. */
  conditions: ((object: object, value: unknown) => boolean)[];
  constraints: Constraint[];
  /** What class-transformer makes of its value; undefined when that is not valid. */
  make: (value: unknown) => unknown;
}

interface Constraint {
  each: boolean;
  parameters: unknown[];
  validate(value: unknown, args: ValidationArguments): unknown;
}

const PLAIN_TO_CLASS = 0;

const PROTOTYPES: ReadonlySet<string> = new Set(['__proto__', 'prototype', 'constructor']);

const compiled = new Map<InputClass, CompiledInput | null>();

/**
 * class-validator and class-transformer look up every mark anew for every object, which costs more than all else that a send needs. What
 * is valid, as most input is, goes this short way; whatever is not, or has marks that are not understood here, is left to them.
 * @returns null when the class has such marks.
 */
export function compiledInput(metatype: InputClass): CompiledInput | null {
  let found = compiled.get(metatype);
  if (found === undefined) {
    // Classes may hold each other: an inner one that is still being compiled is looked up when it is needed.
    compiled.set(metatype, (plain) => compiled.get(metatype)?.(plain) ?? null);
    found = compile(metatype);
    compiled.set(metatype, found);
  }
  return found;
}

function compile(metatype: InputClass): CompiledInput | null {
  const byName = Map.groupBy(
    getMetadataStorage().getTargetValidationMetadatas(metatype, '', false, false),
    ({ propertyName }) => propertyName,
  );
  const fields = [...byName].map(([name, marks]) => fieldOf(metatype, name, marks));
  if (!fields.every((field) => field !== null)) return null;
  const names = new Set(byName.keys());
  return (plain) => {
    if (!isObject(plain) || Object.keys(plain).some((name) => !names.has(name))) return null;
    const instance = new metatype() as Record<string, unknown>;
    for (const { name, make } of fields) {
      const value = plain[name];
      if (value === undefined) continue;
      const made = make(value);
      if (made === undefined) return null;
      instance[name] = made;
    }
    return fields.every((field) => holds(field, instance, metatype.name)) ? instance : null;
  };
}

/** Undefined when something in it is not valid. */
function nestedIn(nested: CompiledInput, value: unknown): unknown {
  if (value === null) return null;
  if (!Array.isArray(value)) return nested(value) ?? undefined;
  const items = value.map(nested);
  return items.includes(null) ? undefined : items;
}

/** Any JSON, but for the names that reach into prototypes: Nest takes those away. */
function untouched(value: unknown): unknown {
  return isHarmless(value) ? value : undefined;
}

function isHarmless(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, child]) => !PROTOTYPES.has(name) && isHarmless(child));
}

function dateOf(value: unknown): unknown {
  if (value === null) return null;
  return Array.isArray(value) ? undefined : new Date((value as Date | string).valueOf());
}

function holds(
  { name, conditions, constraints }: Field,
  object: Record<string, unknown>,
  targetName: string,
): boolean {
  const value = object[name];
  if (!conditions.every((condition) => condition(object, value))) return true;
  return constraints.every((constraint) => {
    const args = { targetName, property: name, object, value, constraints: constraint.parameters };
    if (constraint.each && Array.isArray(value))
      return value.every((item: unknown) => constraint.validate(item, args) === true);
    return constraint.validate(value, args) === true;
  });
}

type Marks = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>;

function fieldOf(metatype: InputClass, name: string, marks: Marks): Field | null {
  const transforms = defaultMetadataStorage.findTransformMetadatas(metatype, name, PLAIN_TO_CLASS);
  const typed = defaultMetadataStorage.findTypeMetadata(metatype, name);
  if (transforms.length > 0 || typed?.options?.discriminator !== undefined) return null;
  const field: Field = { name, conditions: [], constraints: [], make: untouched };
  let isNested = false;
  for (const mark of marks) {
    if (mark.groups?.length || (mark as { validateIf?: unknown }).validateIf !== undefined) return null;
    if (mark.type === 'conditionalValidation') {
      field.conditions.push((mark.constraints as Field['conditions'])[0] ?? (() => false));
    } else if (mark.type === 'nestedValidation') isNested = true;
    else if (mark.type === 'customValidation') {
      for (const { async, instance } of getMetadataStorage().getTargetValidatorConstraints(
        mark.constraintCls,
      )) {
        if (async) return null;
        const parameters = (mark.constraints as unknown[] | undefined) ?? [];
        field.constraints.push({
          each: mark.each,
          parameters,
          validate: (value, args) => instance.validate(value, args),
        });
      }
    } else if (mark.type !== 'whitelistValidation') return null;
  }
  if (!typed) return isNested ? null : field;
  const inner = typed.typeFunction();
  if (inner === Date && !isNested) return { ...field, make: dateOf };
  // What class-transformer would make of plain types (numbers of texts) is left to it.
  if (!isNested || typeof inner !== 'function') return null;
  const nested = compiledInput(inner as InputClass) ?? (() => null);
  return { ...field, make: (value) => nestedIn(nested, value) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
