// Schemas of requests, out of the marks that check them.
import type { Type } from '@nestjs/common';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { getMetadataStorage } from 'class-validator';
import { targetConstructorToSchema } from 'class-validator-jsonschema';
import { snakeName } from '../wire/names.js';

export type Schema = Record<string, unknown>;

export const refTo = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
export const TEXT: Schema = { type: 'string' };
export const DATA: Schema = { type: 'object', additionalProperties: true };
export const TIME: Schema = { type: 'string', format: 'date-time' };
export const listOf = (items: Schema): Schema => ({ type: 'array', items });
export const mapOf = (additionalProperties: Schema): Schema => ({ type: 'object', additionalProperties });
export const objectOf = (properties: Record<string, Schema>, required: string[] = []): Schema => ({
  type: 'object',
  ...(required.length > 0 ? { required } : {}),
  properties,
});

/** Lists of entries in our inputs that are maps in JSON: the entry's field that is the value, or what the value is. */
const MAPS: Readonly<Record<string, string | Schema>> = {
  channelProperties: { type: 'string', maxLength: 1_024 },
  parameters: TEXT,
  explicitChannelMessage: { type: 'string', description: "A payload of the channel's own, as JSON text." },
  channelSpecificMessage: objectOf({ message_type: TEXT, message: DATA }, ['message_type', 'message']),
  explicitChannelOmniMessage: 'message',
  channelTemplate: '',
};

/** Fields whose marks say less than is known. */
const KNOWN: Readonly<Record<string, Schema>> = {
  channelCredentials: listOf(refTo('ChannelCredential')),
  replyToMessageId: objectOf({ message_id: TEXT }, ['message_id']),
};

/** Names that a request over REST has instead, by class. */
const NAMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  AppMessageInput: { replyToMessageId: 'reply_to' },
  TranscodeMessageBody: { message: 'app_message' },
};

/** Of other faces: a request over REST has a header for it, or nothing. */
const ABSENT = new Set(['idempotencyKey', 'previousSecretSeconds']);

/** The classes of requests by their names, with those that they are made of. */
export class RequestSchemas {
  readonly schemas: Record<string, Schema> = {};

  /** A reference to the schema of a class. */
  add(metatype: Type<object>): Schema {
    const { name } = metatype;
    if (!(name in this.schemas)) {
      // First the name: classes may hold themselves.
      this.schemas[name] = {};
      Object.assign(this.schemas[name], this.schemaOf(metatype));
    }
    return refTo(name);
  }

  schemaOf(metatype: Type<object>): { properties: Record<string, Schema>; required?: string[] } & Schema {
    const { properties = {}, required = [] } = targetConstructorToSchema(metatype, {
      classTransformerMetadataStorage: defaultMetadataStorage,
      classValidatorMetadataStorage: getMetadataStorage(),
    });
    const given = Object.entries(properties).filter(([property]) => !ABSENT.has(property));
    const nameOf = (property: string): string => NAMES[metatype.name]?.[property] ?? snakeName(property);
    return {
      type: 'object',
      properties: Object.fromEntries(
        given.map(([property, schema]) => [
          nameOf(property),
          KNOWN[property] ?? this.fieldOf(metatype, property, schema as Schema),
        ]),
      ),
      ...(required.length > 0 ? { required: required.map(nameOf) } : {}),
    };
  }

  private fieldOf(metatype: Type<object>, property: string, schema: Schema): Schema {
    const nested = nestedOf(metatype, property);
    const map = MAPS[property];
    if (typeof map === 'object') return mapOf(map);
    if (nested === undefined) return plain(schema);
    if (map !== undefined) return mapOf(this.add(nestedOf(nested, map) ?? nested));
    if (schema.type !== 'array') return this.add(nested);
    const { minItems, maxItems } = schema;
    return {
      ...listOf(this.add(nested)),
      ...(minItems ? { minItems } : {}),
      ...(maxItems ? { maxItems } : {}),
    };
  }
}

function nestedOf(metatype: Type<object>, property: string): Type<object> | undefined {
  const validated = getMetadataStorage()
    .getTargetValidationMetadatas(metatype, '', false, false)
    .some(({ type, propertyName }) => type === 'nestedValidation' && propertyName === property);
  if (!validated) return undefined;
  const found = defaultMetadataStorage.findTypeMetadata(metatype, property);
  // The type of a field is the same whatever the object.
  return (found?.typeFunction as (() => Type<object>) | undefined)?.();
}

/** Times are whole ones. */
function plain(schema: Schema): Schema {
  return 'oneOf' in schema ? TIME : schema;
}
