/**
 * What a person does beside speaking, in the Conversation API's own JSON: exactly one of the two, with exactly one field in it.
 * Source: Conversation API, ContactEvent and ContactMessageEvent.
 */
export type ContactSideEvent =
  { contact_event: ContactEvent } | { contact_message_event: ContactMessageEvent };

export interface ContactEvent {
  composing_event?: Record<string, never>;
  composing_end_event?: Record<string, never>;
  /** The person deleted the thread. */
  conversation_deleted_event?: Record<string, never>;
  comment_event?: CommentEvent;
  /** Whatever has no form of its own: `payload` holds the channel's own fields. */
  generic_event?: { payload: Record<string, unknown> };
}

export interface CommentEvent {
  id: string;
  text: string;
  comment_type: 'FEED' | 'LIVE';
  /** Permanent link of what was commented on. */
  commented_on: string;
  user: string;
}

/** About a message, or what led to one. */
export interface ContactMessageEvent {
  reaction_event?: {
    emoji: string;
    action: 'REACTION_ACTION_REACT' | 'REACTION_ACTION_UNREACT';
    message_id: string;
    reaction_category: ReactionCategory;
  };
  shortlink_activated_event?: {
    payload: string;
    title?: string;
    ref: string;
    source: string;
    type: string;
    existing_thread: boolean;
  };
}

export type ReactionCategory = 'smile' | 'angry' | 'sad' | 'wow' | 'love' | 'like' | 'dislike' | 'other';
