import type { InboundContactEvent } from '../../channels/channel.js';
import type { CommentEvent } from '../../content/contact-event.js';
import { detailsOf, without } from './details.js';
import { fieldsOf, idOf, textOf, timeOf, type Fields } from './fields.js';
import type { EntryContext } from './item.js';

/** Kinds of posts that a visitor can leave on a page. */
const POSTS = new Set(['post', 'status', 'photo', 'video', 'share']);

/**
 * A change of page content that a person made and that a private reply can answer: a new comment, or a visitor's new post.
 * None for all others, for what the page did itself, and where Meta does not name the person.
 * Source: graph-api/webhooks/reference/page (feed), messenger-platform/discovery/private-replies; instagram (comments).
 */
export function readFeed(field: unknown, value: unknown, context: EntryContext): InboundContactEvent[] {
  const fields = fieldsOf(value);
  if (!fields) return [];
  if (field === 'feed') return readPageFeed(fields, context);
  if (field === 'comments' || field === 'live_comments') return readInstagram(field, fields, context);
  return [];
}

function readPageFeed(value: Fields, context: EntryContext): InboundContactEvent[] {
  const author = authorOf(value, context);
  if (author === null || value.verb !== 'add') return [];
  const common = {
    kind: 'event',
    identity: author,
    at: timeOf(value.created_time) ?? context.sentAt,
  } as const;
  const postId = idOf(value.post_id);
  if (value.item === 'comment') {
    const id = idOf(value.comment_id);
    if (id === null) return [];
    const comment: CommentEvent = {
      id,
      text: textOf(value.message),
      comment_type: 'FEED',
      commented_on:
        textOf(fieldsOf(value.post)?.permalink_url) ||
        (postId === null ? '' : `https://www.facebook.com/${postId}`),
      user: textOf(fieldsOf(value.from)?.name) || textOf(value.sender_name) || author,
    };
    return [
      commentEvent({ ...common, key: `comment:${id}` }, comment, without(value, 'comment_id', 'message')),
    ];
  }
  if (postId === null || !POSTS.has(textOf(value.item))) return [];
  return [
    {
      ...common,
      key: `post:${postId}`,
      content: { contact_event: { generic_event: { payload: { type: 'feed', feed: value } } } },
    },
  ];
}

function readInstagram(field: string, value: Fields, context: EntryContext): InboundContactEvent[] {
  const author = authorOf(value, context);
  const id = idOf(value.id);
  if (author === null || id === null) return [];
  const at = timeOf(value.timestamp) ?? context.sentAt;
  const comment: CommentEvent = {
    id,
    text: textOf(value.text),
    comment_type: field === 'comments' ? 'FEED' : 'LIVE',
    commented_on: textOf(fieldsOf(value.media)?.permalink),
    user: textOf(fieldsOf(value.from)?.username) || author,
  };
  const common = { kind: 'event', identity: author, at, key: `comment:${id}` } as const;
  return [commentEvent(common, comment, without(value, 'id', 'text'))];
}

/** `id` is what a private reply names as its recipient. */
function commentEvent(
  common: Pick<InboundContactEvent, 'kind' | 'identity' | 'at' | 'key'>,
  comment: CommentEvent,
  rest: Fields,
): InboundContactEvent {
  return { ...common, content: { contact_event: { comment_event: comment } }, ...detailsOf(rest) };
}

/** Null for the page itself, where nobody is named, and for the dashboard's test, which names page 0 and nobody real. */
function authorOf(value: Fields, { page }: EntryContext): string | null {
  const author = idOf(fieldsOf(value.from)?.id) ?? idOf(value.sender_id);
  return author === page || page === '0' ? null : author;
}
