import { badParam, type Refusal } from '../graph.error.js';
import { templateOf } from './templates.js';

/** Messaging types, tags and windows. Sources: Send API reference; messenger-platform/policy. */

const HOUR = 3_600_000;
const STANDARD_WINDOW = 24 * HOUR;
const TAG_WINDOW = 7 * 24 * HOUR;

const tags = ['HUMAN_AGENT', 'CUSTOMER_FEEDBACK'];
// Every request with one of these fails since 2026-04-27; older tags went in 2020 and are simply unknown now.
const removedTags = ['CONFIRMED_EVENT_UPDATE', 'ACCOUNT_UPDATE', 'POST_PURCHASE_UPDATE'];

interface Send {
  messaging_type?: string;
  tag?: string;
  message?: { attachment?: unknown; template?: unknown };
  template?: unknown;
  sender_action?: string;
}

/** Whether type, tag and content fit each other. */
export function judgeTag({ messaging_type, tag, message, template }: Send): Refusal | undefined {
  const utility = message?.template !== undefined || template !== undefined;
  if (utility !== (messaging_type === 'UTILITY') && (utility || message)) {
    return badParam('Param messaging_type must be UTILITY for a utility template, and only then');
  }
  if (messaging_type === 'MESSAGE_TAG' && tag === undefined) return badParam('The parameter tag is required');
  if (tag === undefined) return undefined;
  if (messaging_type !== 'MESSAGE_TAG')
    return badParam('Param tag may only be used with messaging_type MESSAGE_TAG');
  if (removedTags.includes(tag)) return badParam(`The message tag ${tag} is no longer supported`);
  if (tag === 'NON_PROMOTIONAL_SUBSCRIPTION') {
    return {
      code: 10,
      subcode: 2018065,
      message: '(#10) You need page_messaging_subscriptions permission to be able to do it.',
    };
  }
  if (!tags.includes(tag)) return badParam(`Param tag must be one of {${tags.join(', ')}}`);
  if (tag === 'CUSTOMER_FEEDBACK' && templateOf(message ?? {})?.template_type !== 'customer_feedback') {
    return badParam('The tag CUSTOMER_FEEDBACK works with the customer_feedback template only');
  }
  return undefined;
}

/** Whether the send is in time; `silentFor` is how long ago, in milliseconds, the person last wrote. */
export function judgeWindow(send: Send, silentFor: number): Refusal | undefined {
  if (send.messaging_type === 'UTILITY') return undefined;
  if (silentFor <= (send.tag === undefined ? STANDARD_WINDOW : TAG_WINDOW)) return undefined;
  return send.sender_action === undefined
    ? { code: 10, subcode: 2018278, message: '(#10) This message is sent outside of allowed window.' }
    : badParam('The sender action could not be performed', 2018048);
}
