import type {
  ChannelCredentials,
  HistoryOutcome,
  InboundEcho,
  InboundMessage,
} from '../../channels/channel.js';
import { type GraphClient, pathOf } from '../graph/graph.client.js';
import { parseCallback } from '../ingest/envelope.js';
import { fieldsOf, idOf, listOf, textOf, timeOf, type Fields } from '../ingest/fields.js';

/** Of older messages Graph gives no details. */
const MESSAGES = 20;
/** So few that an answer of long messages stays within bounds. */
const CONVERSATIONS = 10;
const MAX_ANSWER = 8 * 1024 * 1024;

const FIELDS = [
  'id',
  'updated_time',
  'participants',
  `messages.limit(${MESSAGES}){id,created_time,from,to,message,sticker,attachments,shares,reply_to}`,
].join(',');

type Told = InboundMessage | InboundEcho;

/** A page of what was said with a Facebook page. Source: messenger-platform/conversations. */
export async function fetchHistory(
  graph: Pick<GraphClient, 'read'>,
  credentials: ChannelCredentials,
  page: string | null,
  signal: AbortSignal,
): Promise<HistoryOutcome> {
  const read = await graph.read({
    token: credentials.token,
    path: `${pathOf(credentials)}/conversations`,
    query: {
      platform: 'messenger',
      fields: FIELDS,
      limit: String(CONVERSATIONS),
      ...(page === null ? {} : { after: page }),
    },
    signal,
    maxAnswer: MAX_ANSWER,
  });
  if (read.kind !== 'read') return read;
  const { body, slowDown } = read;
  const conversations = listOf(body.data).map((conversation) => fieldsOf(conversation) ?? {});
  return {
    kind: 'page',
    events: conversations.flatMap((conversation) => messagesIn(conversation, credentials.accountId ?? '')),
    conversations: conversations.length,
    next: nextOf(body),
    ...(slowDown ? { slowDown } : {}),
  };
}

/** There is a next page as long as Graph says where, whatever is on this one: it leaves out what it may not show. */
function nextOf({ paging }: Fields): string | null {
  const { next, cursors } = fieldsOf(paging) ?? {};
  return typeof next === 'string' ? idOf(fieldsOf(cursors)?.after) : null;
}

/** The messages of a conversation, the oldest first, as their webhooks would have told them. */
export function messagesIn(conversation: Fields, pageId: string): Told[] {
  const person = personIn(conversation, pageId);
  const messages = listOf(fieldsOf(conversation.messages)?.data).map((message) => fieldsOf(message) ?? {});
  const items = messages.flatMap((message) => itemOf(message, pageId, person) ?? []).reverse();
  const callback = { object: 'page', entry: [{ id: pageId, messaging: items }] };
  return parseCallback(callback)
    .flatMap(({ events }) => events)
    .filter((event): event is Told => event.kind === 'message' || event.kind === 'echo');
}

function personIn({ participants }: Fields, pageId: string): string | null {
  const ids = listOf(fieldsOf(participants)?.data).map((participant) => idOf(fieldsOf(participant)?.id));
  return ids.find((id) => id !== null && id !== pageId) ?? null;
}

/** A webhook's item; none for what has no id, time or person, or is empty because Graph does not show it. */
function itemOf(message: Fields, pageId: string, participant: string | null): Fields | null {
  const mid = idOf(message.id);
  const at = timeOf(message.created_time);
  const from = idOf(fieldsOf(message.from)?.id);
  const to = listOf(fieldsOf(message.to)?.data).map((receiver) => idOf(fieldsOf(receiver)?.id));
  const ours = from === pageId;
  const person = (ours ? to.find((id) => id !== null && id !== pageId) : from) ?? participant;
  const attachments = attachmentsIn(message);
  const text = textOf(message.message);
  if (mid === null || at === null || from === null || person === null) return null;
  if (text === '' && attachments.length === 0) return null;
  const quoted = idOf(fieldsOf(message.reply_to)?.mid) ?? idOf(fieldsOf(message.reply_to)?.id);
  return {
    sender: { id: from },
    recipient: { id: ours ? person : pageId },
    timestamp: at.getTime(),
    message: {
      mid,
      ...(ours ? { is_echo: true } : {}),
      ...(text === '' ? {} : { text }),
      ...(attachments.length > 0 ? { attachments } : {}),
      ...(quoted === null ? {} : { reply_to: { mid: quoted } }),
    },
  };
}

/** Attachments in the form of a webhook's. */
function attachmentsIn(message: Fields): Fields[] {
  const sticker = textOf(message.sticker);
  const files = listOf(fieldsOf(message.attachments)?.data).map((file) => fieldsOf(file) ?? {});
  const shares = listOf(fieldsOf(message.shares)?.data).map((share) => fieldsOf(share) ?? {});
  // A sticker is among the shares once more.
  return [
    ...(sticker === '' ? [] : [{ type: 'image', payload: { url: sticker } }]),
    ...files.map(attachmentOf),
    ...(sticker === '' ? shares.map(linkOf) : []),
  ];
}

function attachmentOf(file: Fields): Fields {
  const image = textOf(fieldsOf(file.image_data)?.url);
  const video = textOf(fieldsOf(file.video_data)?.url);
  const url = textOf(file.file_url);
  const mime = textOf(file.mime_type);
  if (image !== '') return { type: 'image', payload: { url: image } };
  if (video !== '') return { type: 'video', payload: { url: video } };
  if (url === '') return { ...file, type: 'unknown' };
  return { type: mime.startsWith('audio/') ? 'audio' : 'file', payload: { url } };
}

function linkOf(share: Fields): Fields {
  return { type: 'fallback', payload: { url: textOf(share.link), title: textOf(share.name) } };
}
