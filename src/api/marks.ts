// Marks of fields that inputs of several resources have.
import { Transform } from 'class-transformer';
import { ValidateIf } from 'class-validator';

/** Absent keeps what is stored; null is a value of its own, and refused where there is nothing to clear. */
export const IfGiven = (): PropertyDecorator =>
  ValidateIf((_input: object, value: unknown) => value !== undefined);

export const Trimmed = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value));
