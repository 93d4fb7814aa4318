import type { ConversationChannel } from '../channels/channel.js';
import type { AppMessage, Choice } from '../content/app-message.js';
import { invalid } from '../errors.js';
import type { SendCommand } from './command.js';
import type { AppMessageInput, ChoiceInput } from './app-message.input.js';
import { requestHash } from './idempotency.js';
import { MessageQueue, type SendMessageInput } from './messages.input.js';

const MIN_TTL = 3;
const MAX_TTL = 315_576_000_000;
/** Messenger's window: later, a channel refuses most messages anyway. */
const DEFAULT_TTL = 24 * 3600;
const MAX_CONVERSATION_METADATA = 2048;

const CONTENT = ['textMessage', 'mediaMessage', 'choiceMessage'] as const;
const CHOICE = ['textMessage', 'urlMessage', 'callMessage', 'locationMessage'] as const;

/** A checked input as the command that the service takes. @throws DomainError INVALID_ARGUMENT for rules that span fields. */
export function sendCommandOf(projectId: string, input: SendMessageInput): SendCommand {
  const { idempotencyKey, ...request } = input;
  return {
    projectId,
    appId: input.appId,
    recipient: recipientOf(input),
    message: appMessageOf(input.message, 'message'),
    channelPriorityOrder: (input.channelPriorityOrder ?? []) as string[] as ConversationChannel[],
    channelProperties: Object.fromEntries(
      (input.channelProperties ?? []).map(({ key, value }) => [key, value]),
    ),
    messageMetadata: input.messageMetadata ?? '',
    conversationMetadata: conversationMetadataOf(input),
    correlationId: input.correlationId ?? null,
    ttlSeconds: ttlOf(input),
    highPriority: input.queue === MessageQueue.HIGH_PRIORITY,
    idempotency: idempotencyKey ? { key: idempotencyKey, requestHash: requestHash(request) } : null,
  };
}

/** @throws DomainError INVALID_ARGUMENT when there is not exactly one content, or a choice is not exactly one kind. */
export function appMessageOf(input: AppMessageInput, path: string): AppMessage {
  const given = CONTENT.filter((field) => input[field] != null);
  const explicit = input.explicitChannelMessage ?? [];
  if (given.length > 1 || (given.length === 0 && explicit.length === 0)) {
    throw invalid(path, 'exactlyOne', `${path} must have exactly one of ${CONTENT.join(', ')}`);
  }
  const { textMessage, mediaMessage, choiceMessage, agent } = input;
  return {
    ...(textMessage ? { text_message: { text: textMessage.text } } : {}),
    ...(mediaMessage
      ? {
          media_message: without({
            url: mediaMessage.url,
            thumbnail_url: mediaMessage.thumbnailUrl,
            filename_override: mediaMessage.filenameOverride,
          }),
        }
      : {}),
    ...(choiceMessage
      ? {
          choice_message: {
            ...(choiceMessage.textMessage ? { text_message: { text: choiceMessage.textMessage.text } } : {}),
            choices: choiceMessage.choices.map((choice, index) =>
              choiceOf(choice, `${path}.choiceMessage.choices[${index}]`),
            ),
          },
        }
      : {}),
    ...(explicit.length > 0
      ? {
          explicit_channel_message: Object.fromEntries(
            explicit.map(({ channel, payload }) => [channel, payload]),
          ),
        }
      : {}),
    ...(agent
      ? {
          agent: without({
            display_name: agent.displayName,
            type: agent.type,
            picture_url: agent.pictureUrl,
          }),
        }
      : {}),
  };
}

function choiceOf(input: ChoiceInput, path: string): Choice {
  const given = CHOICE.filter((field) => input[field] != null);
  if (given.length !== 1)
    throw invalid(path, 'exactlyOne', `${path} must have exactly one of ${CHOICE.join(', ')}`);
  const { textMessage, urlMessage, callMessage, locationMessage } = input;
  return {
    ...(textMessage ? { text_message: { text: textMessage.text } } : {}),
    ...(urlMessage ? { url_message: { title: urlMessage.title, url: urlMessage.url } } : {}),
    ...(callMessage
      ? { call_message: { title: callMessage.title, phone_number: callMessage.phoneNumber } }
      : {}),
    ...(locationMessage
      ? {
          location_message: without({
            title: locationMessage.title,
            label: locationMessage.label,
            coordinates: {
              latitude: locationMessage.coordinates.latitude,
              longitude: locationMessage.coordinates.longitude,
            },
          }),
        }
      : {}),
    ...(input.postbackData != null ? { postback_data: input.postbackData } : {}),
  };
}

function recipientOf({ recipient }: SendMessageInput): SendCommand['recipient'] {
  const { contactId, identifiedBy } = recipient;
  if ((contactId == null) === (identifiedBy == null)) {
    throw invalid('recipient', 'exactlyOne', 'recipient must have exactly one of contactId, identifiedBy');
  }
  if (contactId != null) return { contactId };
  return {
    identities: (identifiedBy?.channelIdentities ?? []).map(({ channel, identity }) => ({
      channel: channel as string as ConversationChannel,
      identity,
    })),
  };
}

function conversationMetadataOf({ conversationMetadata }: SendMessageInput): Record<string, unknown> | null {
  if (conversationMetadata == null) return null;
  if (JSON.stringify(conversationMetadata).length > MAX_CONVERSATION_METADATA) {
    throw invalid(
      'conversationMetadata',
      'maxLength',
      `conversationMetadata must be at most ${MAX_CONVERSATION_METADATA} characters of JSON`,
    );
  }
  return conversationMetadata;
}

function ttlOf({ ttl }: SendMessageInput): number {
  if (ttl == null) return DEFAULT_TTL;
  const seconds = Number(ttl.slice(0, -1));
  if (seconds < MIN_TTL || seconds > MAX_TTL)
    throw invalid('ttl', 'range', `ttl must be between ${MIN_TTL}s and ${MAX_TTL}s`);
  return seconds;
}

/** Leaves out what was not given, in the type as well. */
function without<T extends Record<string, unknown>>(fields: T): { [K in keyof T]: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null)) as {
    [K in keyof T]: NonNullable<T[K]>;
  };
}
