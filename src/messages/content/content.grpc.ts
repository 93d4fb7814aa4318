// Content between the messages of the protos, as the loader gives and takes them, and ours.
import { dateOf, structFields, structObject, timestamp } from '../../api/well-known.js';
import type { AppMessage } from '../../content/app-message.js';
import type { ContactMessage } from '../../content/contact-message.js';
import type {
  AppMessage as AppMessageFields,
  AppMessage__Output as AppMessageOutput,
} from '../../generated/proto/parley/conversation/v1/AppMessage.js';
import type { ChannelSpecificMessage__Output as ChannelSpecificMessageOutput } from '../../generated/proto/parley/conversation/v1/ChannelSpecificMessage.js';
import type { ContactMessage as ContactMessageFields } from '../../generated/proto/parley/conversation/v1/ContactMessage.js';
import { withoutMaps } from './maps.js';

const TIMES = new Set(['event_start', 'event_end']);
/** Their keys are data. */
const MAPS = new Set([
  'explicit_channel_message',
  'explicit_channel_omni_message',
  'channel_template',
  'parameters',
]);

/** Ready for the marks of AppMessageInput: maps become lists, and the well-known types their JSON forms. */
export function contentInputOf(message: AppMessageOutput): object {
  const { channelSpecificMessage, ...content } = message;
  const decoded = genericInputOf(content) as Record<string, unknown>;
  const specific = channelSpecificMessage && Object.entries(channelSpecificMessage).map(decodedSpecific);
  return withoutMaps(
    { ...decoded, ...(specific ? { channelSpecificMessage: Object.fromEntries(specific) } : {}) },
    'message',
  );
}

function decodedSpecific([channel, { messageType, message }]: [string, ChannelSpecificMessageOutput]): [
  string,
  object,
] {
  return [channel, { messageType, ...(message ? { message: structObject(message) } : {}) }];
}

function genericInputOf(content: object): object {
  return Object.fromEntries(Object.entries(content).map(([name, value]) => [name, inputOf(name, value)]));
}

function inputOf(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => inputOf(name, item));
  if (typeof value !== 'object' || value === null) return value;
  if (name === 'eventStart' || name === 'eventEnd') return dateOf(value);
  // Zero is not sent.
  if (name === 'coordinates') return { latitude: 0, longitude: 0, ...value };
  return genericInputOf(value);
}

/** Stored content as a message of the protos. */
export function contentFieldsOf(
  content: AppMessage & ContactMessage,
): AppMessageFields & ContactMessageFields {
  const { channel_specific_message, ...rest } = content;
  return {
    ...protoFieldsOf(rest),
    ...(channel_specific_message
      ? {
          channelSpecificMessage: Object.fromEntries(
            Object.entries(channel_specific_message).flatMap(([channel, specific]) =>
              specific
                ? [[channel, { messageType: specific.message_type, message: structFields(specific.message) }]]
                : [],
            ),
          ),
        }
      : {}),
  };
}

/** Stored JSON has the names of the protos; the loader wants them in camelCase. */
export function protoFieldsOf(stored: object): object {
  return Object.fromEntries(
    Object.entries(stored).map(([name, value]) => [
      name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      fieldOf(name, value),
    ]),
  );
}

function fieldOf(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => fieldOf(name, item));
  if (TIMES.has(name)) return timestamp(new Date(String(value)));
  if (typeof value !== 'object' || value === null) return value;
  if (!MAPS.has(name)) return protoFieldsOf(value);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, fieldOf('', entry)]));
}
