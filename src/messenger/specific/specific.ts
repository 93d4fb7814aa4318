import type { TranscodeContext, TranscodeNote } from '../../channels/channel.js';
import type { ChannelSpecificMessage } from '../../content/app-message.js';
import { invalid } from '../../errors.js';
import { isFacebookUrl } from '../assets/media-template.js';
import { LIMITS } from '../transcode/limits.js';
import { refused } from '../transcode/refused.js';
import type { Rendering } from '../transcode/rendering.js';
import {
  type Check,
  eitherOf,
  fields,
  flag,
  id,
  isObject,
  type Json,
  list,
  oneOf,
  text,
  webUrl,
} from './checks.js';
import { quickReplies } from './quick-replies.js';
import { TEMPLATES, utilityTemplate } from './templates.js';

const FIELD = 'channel_specific_message.MESSENGER';

/** Several at once: images only, by URL. Public projects disagree about 10 or 30 of them. */
const images = list(
  1,
  10,
  fields({ type: oneOf('image'), payload: fields({ url: webUrl }, { is_reusable: flag }) }),
);

const media = { url: webUrl, attachment_id: id, is_reusable: flag, quick_replies: quickReplies };
const single = fields(
  { type: oneOf('image', 'audio', 'video', 'file') },
  media,
  eitherOf('url', 'attachment_id'),
);
const several = fields({ attachments: images });

/** By message type: what has no template. */
const PLAIN: Readonly<Record<string, { check: Check; render: (message: Json) => Json }>> = {
  TEXT: {
    check: fields({ text: text(LIMITS.text) }, { quick_replies: quickReplies }),
    render: (message) => message,
  },
  ATTACHMENT: {
    check: (value, at) => (isObject(value) && 'attachments' in value ? several : single)(value, at),
    render: ({ attachments, type, quick_replies: replies, ...payload }) =>
      attachments === undefined ? { attachment: { type, payload }, ...beside(replies) } : { attachments },
  },
  STICKER: { check: fields({ sticker_id: id }), render: (message) => message },
  UTILITY_TEMPLATE: { check: utilityTemplate, render: (template) => ({ template }) },
};

const TYPES = [...Object.keys(PLAIN), ...Object.keys(TEMPLATES)];

/**
 * A message in Messenger's own words, checked against Meta's limits and otherwise as it is: nothing is cut or split here.
 * Sources: messenger-platform/send-messages and its subpages, 2026-04 to 2026-06.
 * @throws DomainError INVALID_ARGUMENT naming the field.
 */
export function renderSpecific(specific: ChannelSpecificMessage, context: TranscodeContext): Rendering {
  const { message_type: type, message } = specific;
  const plain = Object.hasOwn(PLAIN, type) ? PLAIN[type] : undefined;
  const template = Object.hasOwn(TEMPLATES, type) ? TEMPLATES[type] : undefined;
  const known = plain ?? template;
  if (!known) {
    throw refused(`message.${FIELD}.message_type`, 'isIn', `message_type must be one of ${TYPES.join(', ')}`);
  }
  known.check(message, '');
  return {
    messages: [plain ? plain.render(message) : fromTemplate(template?.type ?? '', message)],
    notes: notesOf(type, message),
    ...envelopeOf(type, context.properties),
  };
}

function fromTemplate(type: string, { quick_replies: replies, ...payload }: Json): Json {
  return {
    attachment: { type: 'template', payload: { template_type: type, ...payload } },
    ...beside(replies),
  };
}

function beside(replies: unknown): Json {
  return replies === undefined ? {} : { quick_replies: replies };
}

/** An approved template is the one content of the messaging type UTILITY, and Meta takes neither without the other. */
function envelopeOf(type: string, properties: Record<string, string>): Pick<Rendering, 'fields'> {
  const asked = properties.MESSENGER_MESSAGING_TYPE || undefined;
  const utility = type === 'UTILITY_TEMPLATE';
  if (utility ? asked !== undefined && asked !== 'UTILITY' : asked === 'UTILITY') {
    const field = 'channelProperties.MESSENGER_MESSAGING_TYPE';
    throw invalid(field, 'isIn', 'UTILITY goes with the message type UTILITY_TEMPLATE, and only with it');
  }
  const tag = properties.MESSENGER_MESSAGE_TAG || undefined;
  if (utility && tag !== undefined) {
    throw invalid('channelProperties.MESSENGER_MESSAGE_TAG', 'utility', 'a utility template takes no tag');
  }
  if (tag === 'CUSTOMER_FEEDBACK' && type !== 'CUSTOMER_FEEDBACK_TEMPLATE') {
    const rule = 'CUSTOMER_FEEDBACK goes with the message type CUSTOMER_FEEDBACK_TEMPLATE only';
    throw invalid('channelProperties.MESSENGER_MESSAGE_TAG', 'feedback', rule);
  }
  return utility ? { fields: { messaging_type: 'UTILITY' } } : {};
}

function notesOf(type: string, message: Json): TranscodeNote[] {
  const field = `${FIELD}.message`;
  if (type === 'NOTIFICATION_MESSAGES') {
    const rule = 'Meta ended it on 2026-02-10 except for people in AU, EU, JP, KR and UK';
    return [{ field: `${FIELD}.message_type`, rule, action: 'sent as asked' }];
  }
  const [element] = type === 'MEDIA_TEMPLATE' && Array.isArray(message.elements) ? message.elements : [];
  if (isObject(element) && typeof element.url === 'string' && !isFacebookUrl(element.url)) {
    const rule = 'a media template shows what is on Facebook or was uploaded';
    return [{ field: `${field}.elements[0].url`, rule, action: 'uploaded first; sent as its attachment_id' }];
  }
  return [];
}
