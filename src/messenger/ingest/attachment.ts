import type { ContactMessage } from '../../content/contact-message.js';
import { reason } from '../../content/reason.js';
import { fieldsOf, idOf, textOf, type Fields } from './fields.js';

type AttachmentReader = (attachment: Fields, payload: Fields) => ContactMessage | null;

/**
 * What an attachment of each type becomes; a new type is a new row, and one without a row, or that its row cannot read,
 * a `fallback_message`. Source: messenger-platform/reference/webhook-events/messages, attachments.
 */
const TYPES: Record<string, AttachmentReader | undefined> = {
  image: media,
  video: media,
  audio: media,
  file: media,
  sticker: media,
  location,
  // Shared links. They name the page that is shared, not a file.
  fallback: link,
  share: link,
  reel: media,
  post: media,
  ig_reel: media,
  ig_post: media,
};

export function attachmentContent(value: unknown): ContactMessage {
  const attachment = fieldsOf(value) ?? {};
  const type = textOf(attachment.type);
  const read = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  return (
    read?.(attachment, fieldsOf(attachment.payload) ?? {}) ??
    fallback(
      value,
      `Messenger delivered an attachment of type ${type || 'unknown'}, which has no generic form`,
    )
  );
}

/** What a text and the attachments beside it make together: the text goes with the first if that can carry one. */
export function withText(text: string, attachments: unknown[]): ContactMessage[] {
  const [first, ...others] = attachments.map(attachmentContent);
  if (text === '') return first ? [first, ...others] : [];
  if (first?.media_message) {
    return [{ media_card_message: { url: first.media_message.url, caption: text } }, ...others];
  }
  const shared = linkOf(fieldsOf(attachments[0]) ?? {});
  if (first?.text_message && shared) return [{ text_message: { text: mention(text, shared) } }, ...others];
  return [{ text_message: { text } }, ...(first ? [first, ...others] : [])];
}

/** A sticker came with an `image` twin until 2026-08-30: one of the two is enough. */
export function withoutTwins(attachments: unknown[]): unknown[] {
  if (!attachments.some((item) => fieldsOf(item)?.type === 'sticker')) return attachments;
  return attachments.filter((item) => {
    const { type, payload } = fieldsOf(item) ?? {};
    return type !== 'image' || idOf(fieldsOf(payload)?.sticker_id) === null;
  });
}

export function fallback(raw: unknown, description: string): ContactMessage {
  return {
    fallback_message: {
      raw_message: JSON.stringify(raw),
      reason: reason('UNSUPPORTED_OPERATION', description),
    },
  };
}

function media(attachment: Fields, payload: Fields): ContactMessage | null {
  const url = urlOf(attachment, payload);
  if (url === '') return null;
  const host = textOf(attachment.type).startsWith('ig_') ? 'www.instagram.com' : 'www.facebook.com';
  // Reels may come with a path alone.
  return { media_message: { url: url.startsWith('/') ? `https://${host}${url}` : url } };
}

function location(attachment: Fields, payload: Fields): ContactMessage | null {
  const coordinates = fieldsOf(payload.coordinates);
  const latitude = degrees(coordinates?.lat, 90);
  const longitude = degrees(coordinates?.long, 180);
  if (latitude === null || longitude === null) return null;
  return {
    location_message: { title: textOf(attachment.title), label: '', coordinates: { latitude, longitude } },
  };
}

function degrees(value: unknown, most: number): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Math.abs(number) <= most ? number : null;
}

function link(attachment: Fields): ContactMessage | null {
  const url = linkOf(attachment);
  if (url === '') return null;
  return { text_message: { text: mention(titleOf(attachment), url) } };
}

function mention(text: string, url: string): string {
  const bare = url.replace(/^https?:\/\/(www\.)?/i, '').replace(/\/$/, '');
  if (bare !== '' && text.toLowerCase().includes(bare.toLowerCase())) return text;
  return text === '' ? url : `${text}\n${url}`;
}

/** Where a shared link leads; Facebook may hand out its own redirect, with the target and a click id inside. */
function linkOf(attachment: Fields): string {
  const url = urlOf(attachment, fieldsOf(attachment.payload) ?? {});
  if (!/^https?:\/\/l\.(facebook|instagram|messenger)\.com\/l\.php\?/.test(url)) return url;
  const target = URL.parse(URL.parse(url)?.searchParams.get('u') ?? '');
  target?.searchParams.delete('fbclid');
  return target?.href ?? url;
}

/** In the payload since v6; beside it before, where some data spell it in capitals. */
function urlOf(attachment: Fields, payload: Fields): string {
  return textOf(payload.url) || textOf(attachment.url) || textOf(attachment.URL);
}

function titleOf(attachment: Fields): string {
  return textOf(fieldsOf(attachment.payload)?.title) || textOf(attachment.title);
}
