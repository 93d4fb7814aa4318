import type { ContactMessage } from '../../content/contact-message.js';
import { reason } from '../../content/reason.js';
import { named, without } from './details.js';
import { fieldsOf, idOf, listOf, textOf, type Fields } from './fields.js';
import { productResponse } from './order.js';
import { stickerText } from './sticker.js';

/** A content, and what its attachment says beyond it. */
export interface Said {
  content: ContactMessage;
  details: Fields;
}

type AttachmentReader = (attachment: Fields, payload: Fields) => ContactMessage | null;

/**
 * What an attachment of each type becomes; a new type is a new row, and one without a row, or that its row cannot read,
 * a `fallback_message`. Source: messenger-platform/reference/webhook-events/messages, attachments.
 */
export const ATTACHMENTS: Readonly<Record<string, AttachmentReader | undefined>> = {
  image: sticker,
  animated_image: media,
  video: media,
  audio: media,
  file: media,
  sticker,
  like_heart: sticker,
  location,
  // Shared links. They name the page that is shared, not a file.
  fallback: link,
  share,
  reel: media,
  post: media,
  ig_reel: media,
  ig_post: media,
  story_mention: media,
  ig_story: media,
  ephemeral: media,
  template: product,
};

function attachmentContent(value: unknown): Said {
  const attachment = fieldsOf(value) ?? {};
  const type = textOf(attachment.type);
  const read = Object.hasOwn(ATTACHMENTS, type) ? ATTACHMENTS[type] : undefined;
  const content = read?.(attachment, fieldsOf(attachment.payload) ?? {});
  return content
    ? { content, details: { attachment: besideAddress(attachment) } }
    : {
        content: fallback(
          value,
          `Messenger delivered an attachment of type ${type || 'unknown'}, which has no generic form`,
        ),
        details: {},
      };
}

/** Meta sends 30 at most. Each makes a message, so what goes beyond any sense stays together in one. */
const MOST_ATTACHMENTS = 50;

/** What a text and the attachments beside it make together: the text goes with the first if that can carry one. */
export function withText(text: string, attachments: unknown[]): Said[] {
  const [first, ...others] = eachAttachment(attachments);
  if (text === '') return first ? [first, ...others] : [];
  if (first?.content.media_message) {
    const { url } = first.content.media_message;
    return [{ ...first, content: { media_card_message: { url, caption: text } } }, ...others];
  }
  const shared = linkOf(fieldsOf(attachments[0]) ?? {});
  if (first?.content.text_message && shared)
    return [{ ...first, content: { text_message: { text: mention(text, shared) } } }, ...others];
  return [{ content: { text_message: { text } }, details: {} }, ...(first ? [first, ...others] : [])];
}

export function eachAttachment(attachments: unknown[]): Said[] {
  const contents = attachments.slice(0, MOST_ATTACHMENTS).map(attachmentContent);
  const rest = attachments.slice(MOST_ATTACHMENTS);
  if (rest.length === 0) return contents;
  const why = `Messenger delivered ${attachments.length} attachments in one message; these are those after the first ${MOST_ATTACHMENTS}`;
  return [...contents, { content: fallback(rest, why), details: {} }];
}

/** The attachments of a message. A sticker came with an `image` twin until 2026-08-30: one of the two is enough. */
export function attachmentsOf(message: Fields): unknown[] {
  const attachments = listOf(message.attachments);
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

/** Type, title and whatever else Meta says of an attachment; the address is in the content, and is Meta's to end. */
function besideAddress(attachment: Fields): Fields {
  const payload = fieldsOf(attachment.payload);
  const place = attachment.type === 'location';
  return {
    ...(place ? without(attachment, 'payload') : without(attachment, 'payload', 'url', 'URL')),
    ...(payload ? without(payload, place ? 'coordinates' : 'url') : named('payload', attachment.payload)),
  };
}

const FILE_NAME = /^[^/\\]{1,200}\.\w{1,8}$/;

function media(attachment: Fields, payload: Fields): ContactMessage | null {
  const url = urlOf(attachment, payload);
  if (url === '') return null;
  const host = textOf(attachment.type).startsWith('ig_') ? 'www.instagram.com' : 'www.facebook.com';
  const name = textOf(payload.name) || textOf(attachment.name) || titleOf(attachment);
  return {
    media_message: {
      // Reels may come with a path alone.
      url: url.startsWith('/') ? `https://${host}${url}` : url,
      ...(FILE_NAME.test(name) ? { filename_override: name } : {}),
    },
  };
}

/** The picture of a sticker, else the sign that it stands for. */
function sticker(attachment: Fields, payload: Fields): ContactMessage | null {
  const picture = media(attachment, payload);
  if (picture) return picture;
  const text =
    attachment.type === 'like_heart' ? '❤️' : stickerText(payload.sticker_id ?? attachment.sticker_id);
  return text === '' ? null : { text_message: { text } };
}

function location(attachment: Fields, payload: Fields): ContactMessage | null {
  const coordinates = fieldsOf(payload.coordinates);
  const latitude = degrees(coordinates?.lat, 90);
  const longitude = degrees(coordinates?.long, 180);
  if (latitude === null || longitude === null) return null;
  return {
    location_message: { title: titleOf(attachment), label: '', coordinates: { latitude, longitude } },
  };
}

function degrees(value: unknown, most: number): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Math.abs(number) <= most ? number : null;
}

/** Products of a shop that a person asks about; other templates are pictures of a message and stay raw. */
function product(_attachment: Fields, payload: Fields): ContactMessage | null {
  const elements = listOf(fieldsOf(payload.product)?.elements);
  return productResponse(elements, textOf(fieldsOf(elements[0])?.title));
}

function link(attachment: Fields): ContactMessage | null {
  const url = linkOf(attachment);
  if (url === '') return null;
  return { text_message: { text: mention(titleOf(attachment), url) } };
}

const META_CDN = /(^|\.)(fbcdn\.net|fbsbx\.com|cdninstagram\.com)$/;

/** Instagram gives the shared picture or video itself, Messenger the address of what was shared. */
function share(attachment: Fields, payload: Fields): ContactMessage | null {
  const { hostname } = URL.parse(urlOf(attachment, payload)) ?? { hostname: '' };
  return META_CDN.test(hostname) ? media(attachment, payload) : link(attachment);
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
