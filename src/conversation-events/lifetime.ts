import type { AppEvent } from '../content/app-event.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** How long an event is worth sending, in ms: who typed half a minute ago types no more. */
const LIFETIMES: Readonly<Record<keyof AppEvent, number>> = {
  composing_event: 30 * SECOND,
  composing_end_event: 30 * SECOND,
  read_message_event: 10 * MINUTE,
  agent_joined_event: 10 * MINUTE,
  agent_left_event: 10 * MINUTE,
  comment_reply_event: 60 * MINUTE,
  generic_event: 60 * MINUTE,
  reaction_event: 60 * MINUTE,
};

export function expiryOf(event: AppEvent, acceptTime: Date): Date {
  const [kind] = Object.keys(event) as (keyof AppEvent)[];
  return new Date(acceptTime.getTime() + (kind ? LIFETIMES[kind] : 0));
}
