import { badParam, type Refusal } from '../graph.error.js';
import { mediaTypes, type MediaType } from './attachments.js';
import { message, utilityTemplate, type Message } from './message.js';
import { also, anyText, first, id, isObject, matching, oneOf, shape } from './rules.js';
import type { Accepted, Rule } from './rules.js';
import { templateOf } from './templates.js';
import { judgeTag, judgeWindow } from './window.js';

/** A whole Send API body. Sources: Send API reference; Graph API reference, Page messages; error codes. */

/** What the judge must know about the page that sends. */
export interface Facts {
  /** The person behind a page-scoped id, or undefined when this page knows nobody of that id. */
  person(psid: string): { blocked: boolean; silentFor: number } | undefined;
  /** The kind of a saved attachment that this page owns. */
  attachment(id: string): MediaType | undefined;
  /** Whether this page has a persona of this id. */
  persona(id: string): boolean;
  /** Whether a message of this id is in one of the page's threads. */
  message(mid: string): boolean;
  /** Whether the page has already answered this comment or post. */
  replied(activityId: string): boolean;
}

const personName = shape({}, { first_name: anyText, last_name: anyText });

// What is not a number of ours is nobody we know, rather than a malformed parameter.
const recipientId: Rule<string | number> = (value, at) =>
  typeof value === 'number' ? id(value, at) : anyText(value, at);

const recipient = also(
  shape(
    {},
    {
      id: recipientId,
      user_ref: anyText,
      comment_id: anyText,
      post_id: anyText,
      notification_messages_token: anyText,
      one_time_notif_token: anyText,
      phone_number: anyText,
      name: personName,
    },
  ),
  (value, at) => {
    const forms = Object.keys(value).filter((key) => key !== 'name');
    if (forms.length !== 1) return badParam(`Param ${at} must have exactly one way to name the person`);
    if (value.phone_number !== undefined) {
      return {
        code: 200,
        subcode: 2018027,
        message:
          'Cannot message users who are not admins, developers or testers of the app until pages_messaging_phone_number permission is reviewed and the app is live.',
      };
    }
    return value.notification_messages_token !== undefined || value.one_time_notif_token !== undefined
      ? badParam('Notification token is expired or invalid')
      : undefined;
  },
);

const actions = ['typing_on', 'typing_off', 'mark_seen', 'react', 'unreact'];
const emoji = /^(\p{RGI_Emoji}|\p{Emoji_Presentation}|\p{Extended_Pictographic})$/v;

const envelope = also(
  shape(
    { recipient },
    {
      messaging_type: oneOf('RESPONSE', 'UPDATE', 'MESSAGE_TAG', 'UTILITY'),
      message,
      template: utilityTemplate,
      sender_action: matching(new RegExp(`^(${actions.join('|')})$`, 'i'), `one of {${actions.join(', ')}}`),
      payload: shape({ message_id: anyText }, { reaction: matching(emoji, 'an emoji') }),
      notification_type: oneOf('REGULAR', 'SILENT_PUSH', 'NO_PUSH'),
      tag: anyText,
      persona_id: id,
      reply_to: shape({ mid: anyText }, {}),
      thread_control: shape({ control_type: oneOf('pass', 'release') }, { app_id: id }),
    },
    'open',
  ),
  ({ message: content, template, sender_action, payload }) => {
    if (sender_action === undefined) {
      return content === undefined && template === undefined
        ? badParam('The parameter message is required')
        : undefined;
    }
    const action = sender_action.toLowerCase();
    const reacts = action === 'react' || action === 'unreact';
    if (!reacts && payload !== undefined)
      return badParam('Param payload may only be used with react and unreact');
    if (reacts && payload === undefined) return badParam('The parameter payload is required');
    return action === 'react' && payload?.reaction === undefined
      ? badParam('The parameter payload[reaction] is required')
      : undefined;
  },
);

export type SendBody = Accepted<typeof envelope>;
export type Recipient = Accepted<typeof recipient>;

/** Returns why Meta would refuse this Send API body, or nothing. A body that passes is a `SendBody`. */
export function judgeSend(body: unknown, facts: Facts): Refusal | undefined {
  if (isObject(body) && body.message !== undefined && body.sender_action !== undefined) {
    return badParam('Cannot send both message and state at the same time.', 2018014);
  }
  const refusal = envelope(body, '');
  if (refusal) return refusal;
  const send = body as SendBody;
  return judgeTag(send) ?? judgeRecipient(send, facts) ?? judgeReferences(send, facts);
}

function judgeRecipient(send: SendBody, facts: Facts): Refusal | undefined {
  const { id: psid, comment_id, post_id } = send.recipient;
  const activity = comment_id ?? post_id;
  if (activity !== undefined && facts.replied(activity)) {
    return { code: 10900, message: '(#10900) Activity already replied to' };
  }
  // A person known by a comment or a user_ref only has no window of their own.
  if (psid === undefined) return undefined;
  const person = facts.person(String(psid));
  if (!person) return badParam('No matching user found', 2018001);
  if (person.blocked) {
    return { code: 551, subcode: 1545041, message: "(#551) This person isn't available right now." };
  }
  return judgeWindow(send, person.silentFor);
}

function judgeReferences(send: SendBody, facts: Facts): Refusal | undefined {
  const mid = send.reply_to?.mid ?? send.payload?.message_id;
  if (mid !== undefined && !facts.message(mid))
    return badParam('The message to answer or react to was not found');
  if (send.persona_id !== undefined && !facts.persona(String(send.persona_id))) {
    return badParam('Param persona_id must be the ID of a persona of this page');
  }
  return first(savedMedia(send.message ?? {}), (saved) => {
    const type = facts.attachment(saved.id);
    if (type === undefined) {
      return badParam('Possible invalid ID or you do not own the attachment.', 2018074);
    }
    return type === saved.type ? undefined : badParam('Upload attachment failure.', 2018047);
  });
}

/** The saved attachments that a message uses, each with the kind it is used as. */
export function savedMedia(content: Message): { id: string; type: MediaType }[] {
  const elements = templateOf(content)?.elements;
  const candidates = [
    content.attachment && { type: content.attachment.type, of: content.attachment.payload },
    ...(Array.isArray(elements) ? elements : []).map((element: Record<string, unknown>) => ({
      type: element.media_type,
      of: element,
    })),
  ];
  return candidates.flatMap((candidate) => {
    const type = mediaTypes.find((known) => known === candidate?.type);
    const saved = isObject(candidate?.of) ? candidate.of.attachment_id : undefined;
    return type && (typeof saved === 'string' || typeof saved === 'number')
      ? [{ id: String(saved), type }]
      : [];
  });
}
