import type { Agent } from './app-message.js';

/**
 * What an app does beside speaking, in the Conversation API's own JSON: exactly one of the fields.
 * Source: Conversation API, AppEvent. `reaction_event` is ours, shaped like the contact's.
 */
export interface AppEvent {
  /** Shows that somebody is typing. */
  composing_event?: Record<string, never>;
  composing_end_event?: Record<string, never>;
  /** Shows that what the person wrote has been seen. */
  read_message_event?: Record<string, never>;
  /** Answers a comment in private. */
  comment_reply_event?: { text: string };
  agent_joined_event?: { agent: Agent };
  agent_left_event?: { agent: Agent };
  generic_event?: { payload: Record<string, unknown> };
  reaction_event?: ReactionEvent;
}

export interface ReactionEvent {
  /** Absent with UNREACT. */
  emoji?: string;
  action: 'REACTION_ACTION_REACT' | 'REACTION_ACTION_UNREACT';
  /** Ours. */
  message_id: string;
}
