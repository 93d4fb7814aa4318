import type {
  AppMessage,
  ByChannel,
  GenericContent,
  OmniMessageOverride,
  TemplateMessage,
  TemplateReference,
} from '../../content/app-message.js';
import type { AppMessageInput } from './app-message.input.js';
import { checkAppMessage } from './content.rules.js';
import type { GenericContentInput } from './generic-content.input.js';
import { jsonNames } from './json-names.js';
import type { OmniMessageOverrideInput } from './override.input.js';
import type { TemplateMessageInput, TemplateReferenceInput } from './template.input.js';

/** A checked input as it is stored. @throws DomainError INVALID_ARGUMENT for rules that span fields; `path` is where the input stands. */
export function appMessageOf(input: AppMessageInput, path: string): AppMessage {
  checkAppMessage(input, path);
  const {
    templateMessage,
    explicitChannelMessage,
    channelSpecificMessage,
    explicitChannelOmniMessage,
    agent,
    replyToMessageId,
    ...content
  } = input;
  return {
    ...genericContentOf(content),
    ...(templateMessage ? { template_message: templateMessageOf(templateMessage) } : {}),
    ...(explicitChannelMessage?.length
      ? { explicit_channel_message: byChannel(explicitChannelMessage, ({ payload }) => payload) }
      : {}),
    ...(channelSpecificMessage?.length
      ? {
          channel_specific_message: byChannel(channelSpecificMessage, ({ messageType, message }) => ({
            message_type: messageType,
            message,
          })),
        }
      : {}),
    ...(explicitChannelOmniMessage?.length
      ? {
          explicit_channel_omni_message: byChannel(explicitChannelOmniMessage, ({ message }) =>
            overrideOf(message),
          ),
        }
      : {}),
    ...(agent ? { agent: jsonNames(agent) } : {}),
    ...(replyToMessageId ? { reply_to: { message_id: replyToMessageId } } : {}),
  };
}

function genericContentOf(input: GenericContentInput): GenericContent {
  return jsonNames(input);
}

function overrideOf({ templateReference, ...content }: OmniMessageOverrideInput): OmniMessageOverride {
  return {
    ...genericContentOf(content),
    ...(templateReference ? { template_reference: templateReferenceOf(templateReference) } : {}),
  };
}

function templateMessageOf({ omniTemplate, channelTemplate }: TemplateMessageInput): TemplateMessage {
  return {
    ...(omniTemplate ? { omni_template: templateReferenceOf(omniTemplate) } : {}),
    ...(channelTemplate?.length ? { channel_template: byChannel(channelTemplate, templateReferenceOf) } : {}),
  };
}

function templateReferenceOf(input: TemplateReferenceInput): TemplateReference {
  const { templateId, version, languageCode, parameters } = input;
  return {
    ...jsonNames({ templateId, version, languageCode }),
    ...(parameters?.length
      ? { parameters: Object.fromEntries(parameters.map(({ key, value }) => [key, value])) }
      : {}),
  };
}

function byChannel<T extends { channel: string }, V>(list: T[], value: (entry: T) => V): ByChannel<V> {
  return Object.fromEntries(list.map((entry) => [entry.channel, value(entry)]));
}
