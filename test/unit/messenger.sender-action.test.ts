import { expect, test } from 'vitest';
import type { AppEvent } from '../../src/content/app-event.js';
import { senderActionOf } from '../../src/messenger/sender-action.js';

// Source: messenger-platform/send-messages/sender-actions.
test.each<[AppEvent, object]>([
  [{ composing_event: {} }, { sender_action: 'typing_on' }],
  [{ composing_end_event: {} }, { sender_action: 'typing_off' }],
  [{ read_message_event: {} }, { sender_action: 'mark_seen' }],
  [
    { reaction_event: { emoji: '😍', action: 'REACTION_ACTION_REACT', message_id: 'ours' } },
    { sender_action: 'react', payload: { message_id: 'm_1', reaction: '😍' } },
  ],
  [
    { reaction_event: { action: 'REACTION_ACTION_UNREACT', message_id: 'ours' } },
    { sender_action: 'unreact', payload: { message_id: 'm_1' } },
  ],
])('%j is a sender action', (event, body) => {
  expect(senderActionOf(event, 'm_1')).toEqual(body);
});

test.each<AppEvent>([
  { comment_reply_event: { text: 'Thanks' } },
  { agent_joined_event: { agent: { type: 'HUMAN' } } },
  { agent_left_event: { agent: { type: 'BOT' } } },
  { generic_event: { payload: { a: 1 } } },
])('%j is nothing that Messenger knows', (event) => {
  expect(senderActionOf(event, 'm_1')).toBeNull();
});
