// Marks that many fields of content share.
import { applyDecorators } from '@nestjs/common';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsNotEmpty,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';

/** Far past any channel's own limit; a channel splits or refuses what it cannot take. */
export const MAX_TEXT = 30_000;
export const MAX_TITLE = 1_000;
export const MAX_NAME = 255;
/** Of a payload in a channel's own format, in characters of JSON. */
export const MAX_PAYLOAD = 100_000;
/** More than there are. */
export const MAX_CHANNELS = 20;
const MAX_URL = 2_048;

/** A text that says something. */
export const Text = (max: number): PropertyDecorator =>
  applyDecorators(IsString(), Matches(/\S/, { message: '$property must not be empty' }), MaxLength(max));

export const OptionalText = (max: number): PropertyDecorator =>
  applyDecorators(IsOptional(), IsString(), MaxLength(max));

export const WebUrl = (): PropertyDecorator =>
  applyDecorators(
    IsUrl({ protocols: ['http', 'https'], require_protocol: true, require_tld: false }),
    MaxLength(MAX_URL),
  );

export const OptionalWebUrl = (): PropertyDecorator => applyDecorators(IsOptional(), WebUrl());

export const PhoneNumber = (): PropertyDecorator =>
  Matches(/^\+?[\d\s().-]{5,32}$/, { message: '$property must be an international phone number' });

/** An input inside an input. */
export const Nested = (type: () => new () => object): PropertyDecorator =>
  applyDecorators(ValidateNested(), Type(type), IsNotEmpty());

export const OptionalNested = (type: () => new () => object): PropertyDecorator =>
  applyDecorators(IsOptional(), ValidateNested(), Type(type));

/** Not empty. */
export const NestedList = (type: () => new () => object, max: number): PropertyDecorator =>
  applyDecorators(ArrayMinSize(1), ArrayMaxSize(max), ValidateNested({ each: true }), Type(type));

export const OptionalNestedList = (type: () => new () => object, max: number): PropertyDecorator =>
  applyDecorators(IsOptional(), ArrayMaxSize(max), ValidateNested({ each: true }), Type(type));

/** A list that stands for a map: each key once. */
export const Unique = (key: string): PropertyDecorator =>
  ArrayUnique((entry: Record<string, unknown> | null) => entry?.[key], {
    message: `$property must have each ${key} once`,
  });
