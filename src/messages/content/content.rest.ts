import { camelNames } from '../../wire/names.js';
import { timeOf } from '../../wire/time.js';
import { isObject, listOf, withoutMaps } from './maps.js';

type Plain = Record<string, unknown>;

/** Their members are data. */
const DATA = new Set(['explicitChannelMessage', 'channelSpecificMessage', 'parameters', 'payload']);
const TIMES = new Set(['eventStart', 'eventEnd']);

/**
 * An AppMessage of a body, with our own names, ready for the marks of AppMessageInput. What is no object stays, for them to refuse.
 * @throws DomainError INVALID_ARGUMENT for a map that is none
 */
export function contentInputOf(message: unknown, path: string): unknown {
  if (!isObject(message)) return message;
  const { channelSpecificMessage: specific } = message;
  return withoutMaps(
    {
      ...(withTimes(message) as Plain),
      // The names of its entries are the API's; what is in them is the channel's.
      ...(isObject(specific) ? { channelSpecificMessage: mapped(specific, entryOf) } : {}),
    },
    path,
  );
}

/** `channel_properties` of a body as a list. @throws DomainError INVALID_ARGUMENT */
export function propertiesOf(properties: unknown): Plain[] | undefined {
  return listOf(properties, 'channelProperties', (value) => ({ value }), 'key');
}

/** A body without its nulls, which in proto JSON are the same as nothing; in the given fields with what they are read as. */
export function withFields(body: Plain, fields: Record<string, (value: unknown) => unknown>): Plain {
  return Object.fromEntries(
    Object.entries(body)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, Object.hasOwn(fields, name) ? fields[name]?.(value) : value]),
  );
}

function entryOf(specific: unknown): unknown {
  if (!isObject(specific)) return specific;
  const { message, ...names } = specific;
  return { ...(camelNames(names) as Plain), message };
}

function withTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTimes);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => {
      if (DATA.has(name)) return [name, child];
      return [name, TIMES.has(name) ? timeOf(child) : withTimes(child)];
    }),
  );
}

function mapped(map: Plain, change: (value: unknown) => unknown): Plain {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}
