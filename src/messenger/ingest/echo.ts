import type { InboundEvent } from '../../channels/channel.js';
import type { AppMessage } from '../../content/app-message.js';
import { referenceOf } from '../reference.js';
import { attachmentsOf, withText } from './attachment.js';
import { detailsOf, messageDetails, named } from './details.js';
import { fieldsOf, idOf, textOf, type Fields } from './fields.js';
import type { Item } from './item.js';

/** App ids that stand for a person typing in the Page inbox: the routing page's, and as the echo page prints it. */
const PAGE_INBOX = new Set(['263902037430900', '26390203743090']);

/**
 * A `message` of the page, whoever sent it. Sends from the business suite may lack `app_id`.
 * Source: messenger-platform/reference/webhook-events/message-echoes.
 */
export function readEcho(item: Item, message: Fields): InboundEvent[] {
  const mid = idOf(message.mid);
  if (item.person === null || mid === null) return [];
  const reference = referenceOf(message.metadata);
  const appId = idOf(message.app_id);
  const replyTo = idOf(fieldsOf(message.reply_to)?.mid);
  const origin = appId === null || PAGE_INBOX.has(appId) ? 'PAGE_INBOX' : 'OTHER_APP';
  const { content, details } = echoContent(message);
  return [
    {
      kind: 'echo',
      identity: item.person,
      at: item.at,
      channelMessageId: mid,
      content,
      ...(reference === undefined ? {} : { reference }),
      origin,
      ...(replyTo === null ? {} : { replyTo }),
      ...detailsOf(
        item.beside,
        details,
        origin === 'OTHER_APP' ? named('app_id', appId) : {},
        reference === undefined ? named('metadata', message.metadata) : {},
      ),
    },
  ];
}

/** Text and single media have a generic form; the rest is kept as Messenger tells it. */
function echoContent(message: Fields): { content: AppMessage; details: Fields } {
  const contents = withText(textOf(message.text), attachmentsOf(message));
  const { content, details } = contents[0] ?? {};
  const { text_message, media_message } = content ?? {};
  const beside = { ...messageDetails(message), ...named('quick_reply', message.quick_reply), ...details };
  if (contents.length === 1 && text_message) return { content: { text_message }, details: beside };
  if (contents.length === 1 && media_message) return { content: { media_message }, details: beside };
  return { content: { explicit_channel_message: { MESSENGER: JSON.stringify(message) } }, details: {} };
}
