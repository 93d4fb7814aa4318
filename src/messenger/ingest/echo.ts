import type { InboundEvent } from '../../channels/channel.js';
import type { AppMessage } from '../../content/app-message.js';
import { referenceOf } from '../reference.js';
import { withText, withoutTwins } from './attachment.js';
import { idOf, isTrue, listOf, textOf, type Fields } from './fields.js';
import type { Item } from './item.js';

/** App ids that stand for a person typing in the Page inbox: the routing page's, and as the echo page prints it. */
const PAGE_INBOX = new Set(['263902037430900', '26390203743090']);

/**
 * A `message` with `is_echo`: what the page said, whoever sent it. Sends from the business suite may lack `app_id`.
 * Source: messenger-platform/reference/webhook-events/message-echoes.
 */
export function readEcho(item: Item, message: Fields): InboundEvent[] {
  const mid = idOf(message.mid);
  if (item.person === null || mid === null || isTrue(message.is_deleted)) return [];
  const reference = referenceOf(message.metadata);
  const appId = idOf(message.app_id);
  return [
    {
      kind: 'echo',
      identity: item.person,
      at: item.at,
      channelMessageId: mid,
      content: echoContent(message),
      ...(reference === undefined ? {} : { reference }),
      origin: appId === null || PAGE_INBOX.has(appId) ? 'PAGE_INBOX' : 'OTHER_APP',
    },
  ];
}

/** Text and single media have a generic form; the rest is kept as Messenger tells it. */
function echoContent(message: Fields): AppMessage {
  const contents = withText(textOf(message.text), withoutTwins(listOf(message.attachments)));
  const { text_message, media_message } = contents[0] ?? {};
  if (contents.length === 1 && text_message) return { text_message };
  if (contents.length === 1 && media_message) return { media_message };
  return { explicit_channel_message: { MESSENGER: JSON.stringify(message) } };
}
