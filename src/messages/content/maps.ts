// The maps of the Conversation API as lists: GraphQL knows no maps, and the input classes are the same on every face.
import { invalid } from '../../errors.js';

type Plain = Record<string, unknown>;

/** Content whose maps have become the lists of AppMessageInput. @throws DomainError INVALID_ARGUMENT for what is no map. */
export function withoutMaps(message: Plain, path: string): Plain {
  const {
    explicitChannelMessage,
    channelSpecificMessage,
    explicitChannelOmniMessage,
    templateMessage,
    replyTo,
    ...content
  } = message;
  const at = (field: string): string => `${path}.${field}`;
  return {
    ...content,
    ...(isObject(templateMessage)
      ? { templateMessage: templateLists(templateMessage, at('templateMessage')) }
      : { templateMessage }),
    explicitChannelMessage: listOf(explicitChannelMessage, at('explicitChannelMessage'), (payload) => ({
      payload,
    })),
    channelSpecificMessage: listOf(channelSpecificMessage, at('channelSpecificMessage'), fieldsOf),
    explicitChannelOmniMessage: listOf(
      explicitChannelOmniMessage,
      at('explicitChannelOmniMessage'),
      (override, where) => ({ message: overrideLists(fieldsOf(override, where), where) }),
    ),
    ...(replyTo == null ? {} : { replyToMessageId: fieldsOf(replyTo, at('replyTo')).messageId ?? '' }),
  };
}

/** A map as a list of objects with its key. @throws DomainError INVALID_ARGUMENT when it is none. */
export function listOf(
  map: unknown,
  path: string,
  fields: (value: unknown, path: string) => Plain,
  key = 'channel',
): Plain[] | undefined {
  if (map == null) return undefined;
  return Object.entries(fieldsOf(map, path)).map(([name, value]) => ({
    ...fields(value, `${path}.${name}`),
    [key]: name,
  }));
}

/** What is an object as one. @throws DomainError INVALID_ARGUMENT */
export function fieldsOf(value: unknown, path: string): Plain {
  if (!isObject(value)) throw invalid(path, 'isObject', `${path} must be an object`);
  return value;
}

export function isObject(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function templateLists({ omniTemplate, channelTemplate }: Plain, path: string): Plain {
  return {
    omniTemplate: isObject(omniTemplate)
      ? referenceLists(omniTemplate, `${path}.omniTemplate`)
      : omniTemplate,
    channelTemplate: listOf(channelTemplate, `${path}.channelTemplate`, (reference, where) =>
      referenceLists(fieldsOf(reference, where), where),
    ),
  };
}

function overrideLists(override: Plain, path: string): Plain {
  const { templateReference: reference } = override;
  if (!isObject(reference)) return override;
  return { ...override, templateReference: referenceLists(reference, `${path}.templateReference`) };
}

function referenceLists({ parameters, ...reference }: Plain, path: string): Plain {
  return {
    ...reference,
    parameters: listOf(parameters, `${path}.parameters`, (value) => ({ value }), 'key'),
  };
}
