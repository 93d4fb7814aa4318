import { getMetadataStorage } from 'class-validator';
import { type FieldViolation, invalidFields } from '../errors.js';

/**
 * Refuses a list in the place of an object, which class-validator takes for several objects. GraphQL and the protos know the difference
 * by themselves; JSON has to be asked.
 * @throws DomainError INVALID_ARGUMENT
 */
export function assertShapes(input: object): void {
  const faults: FieldViolation[] = [];
  look(input, '', faults);
  if (faults.length > 0) throw invalidFields(faults);
}

function look(input: object, path: string, faults: FieldViolation[]): void {
  for (const { name, isList } of nestedOf(input)) {
    const value: unknown = (input as Record<string, unknown>)[name];
    if (typeof value !== 'object' || value === null) continue;
    const at = path === '' ? name : `${path}.${name}`;
    if (Array.isArray(value) !== isList) {
      faults.push(isList ? fault(at, 'isArray', 'a list') : fault(at, 'isObject', 'an object'));
    } else if (Array.isArray(value)) {
      value.forEach((item: unknown, index) => {
        if (Array.isArray(item)) faults.push(fault(`${at}[${index}]`, 'isObject', 'an object'));
        else if (typeof item === 'object' && item !== null) look(item, `${at}[${index}]`, faults);
      });
    } else look(value, at, faults);
  }
}

/** The fields of a class that hold objects of other classes. */
function nestedOf({ constructor }: object): { name: string; isList: boolean }[] {
  return getMetadataStorage()
    .getTargetValidationMetadatas(constructor, '', false, false)
    .filter(({ type }) => type === 'nestedValidation')
    .map(({ propertyName, each }) => ({ name: propertyName, isList: Boolean(each) }));
}

function fault(path: string, rule: string, what: string): FieldViolation {
  return { path, rule, message: `${path.replace(/^.*\./, '')} must be ${what}` };
}
