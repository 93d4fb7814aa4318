import { structFields, timestamp } from '../../src/api/well-known.js';

type Json = Record<string, unknown>;
type Entry = Json & { channel: string };

/** An AppMessageInput of GraphQL as the AppMessage of gRPC that means the same: lists of entries are maps there. */
export function grpcMessageOf(input: Json): Json {
  const { replyToMessageId, ...content } = input;
  return {
    ...(fieldsOf(content) as Json),
    ...(replyToMessageId === undefined ? {} : { replyTo: { messageId: replyToMessageId } }),
  };
}

const MAPS: Record<string, (list: Entry[]) => Json> = {
  explicitChannelMessage: (list) => byChannel(list, ({ payload }) => payload),
  channelSpecificMessage: (list) =>
    byChannel(list, ({ messageType, message }) => ({ messageType, message: structFields(message as Json) })),
  explicitChannelOmniMessage: (list) => byChannel(list, ({ message }) => fieldsOf(message)),
  channelTemplate: (list) => byChannel(list, ({ channel: _, ...reference }) => fieldsOf(reference)),
  parameters: (list) => Object.fromEntries(list.map(({ key, value }) => [key as string, value])),
};

function byChannel(list: Entry[], valueOf: (entry: Entry) => unknown): Json {
  return Object.fromEntries(list.map((entry) => [entry.channel, valueOf(entry)]));
}

function fieldsOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fieldsOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, fieldOf(name, child)]));
}

function fieldOf(name: string, value: unknown): unknown {
  if (name === 'eventStart' || name === 'eventEnd') return timestamp(new Date(String(value)));
  const map = MAPS[name];
  return map ? map(value as Entry[]) : fieldsOf(value);
}
