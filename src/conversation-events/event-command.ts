import type { ConversationChannel } from '../channels/channel.js';
import type { Agent } from '../content/app-message.js';
import type { AppEvent } from '../content/app-event.js';
import { invalid } from '../errors.js';
import type { AgentInput } from '../messages/content/app-message.input.js';
import type { SendCommand } from '../messages/command.js';
import { requestHash } from '../messages/idempotency.js';
import { MessageQueue } from '../messages/messages.input.js';
import { callbackUrlOf, recipientOf } from '../messages/send-command.js';
import { type AppEventInput, ReactionAction, type SendEventInput } from './conversation-events.input.js';

/** A request to send an event once its shape has been checked. */
export interface EventCommand extends Pick<
  SendCommand,
  | 'projectId'
  | 'appId'
  | 'recipient'
  | 'channelPriorityOrder'
  | 'callbackUrl'
  | 'highPriority'
  | 'idempotency'
> {
  event: AppEvent;
  eventMetadata: string;
}

const MAX_PAYLOAD = 30_000;

const EVENTS = [
  'composingEvent',
  'composingEndEvent',
  'readMessageEvent',
  'commentReplyEvent',
  'agentJoinedEvent',
  'agentLeftEvent',
  'genericEvent',
  'reactionEvent',
] as const satisfies (keyof AppEventInput)[];

/** Of which nothing is said but their name. */
const BARE = {
  composingEvent: 'composing_event',
  composingEndEvent: 'composing_end_event',
  readMessageEvent: 'read_message_event',
} as const satisfies Partial<Record<(typeof EVENTS)[number], keyof AppEvent>>;

/** A checked input as the command that the service takes. @throws DomainError INVALID_ARGUMENT for rules that span fields. */
export function eventCommandOf(projectId: string, input: SendEventInput): EventCommand {
  const { idempotencyKey, ...request } = input;
  return {
    projectId,
    appId: input.appId,
    recipient: recipientOf(input),
    event: appEventOf(input.event, 'event'),
    channelPriorityOrder: (input.channelPriorityOrder ?? []).slice(0, 1) as string[] as ConversationChannel[],
    eventMetadata: input.eventMetadata ?? '',
    callbackUrl: callbackUrlOf(input),
    highPriority: input.queue === MessageQueue.HIGH_PRIORITY,
    idempotency: idempotencyKey ? { key: idempotencyKey, requestHash: requestHash(request) } : null,
  };
}

/** A checked event as it is stored; `path` is where it stands. @throws DomainError INVALID_ARGUMENT for rules that span fields. */
export function appEventOf(input: AppEventInput, path: string): AppEvent {
  const given = EVENTS.filter((field) => input[field] != null);
  if (given.length !== 1)
    throw invalid(path, 'exactlyOne', `${path} must have exactly one of ${EVENTS.join(', ')}`);
  const { commentReplyEvent, agentJoinedEvent, agentLeftEvent, genericEvent, reactionEvent } = input;
  for (const [field, name] of Object.entries(BARE) as [keyof typeof BARE, keyof AppEvent][]) {
    if (input[field]) return { [name]: bare(input[field], `${path}.${field}`) };
  }
  return {
    ...(commentReplyEvent ? { comment_reply_event: { text: commentReplyEvent.text } } : {}),
    ...(agentJoinedEvent ? { agent_joined_event: { agent: agentOf(agentJoinedEvent.agent) } } : {}),
    ...(agentLeftEvent ? { agent_left_event: { agent: agentOf(agentLeftEvent.agent) } } : {}),
    ...(genericEvent
      ? { generic_event: { payload: payloadOf(genericEvent.payload, `${path}.genericEvent.payload`) } }
      : {}),
    ...(reactionEvent
      ? {
          reaction_event: {
            ...(reactionEvent.action === ReactionAction.REACTION_ACTION_REACT && reactionEvent.emoji != null
              ? { emoji: reactionEvent.emoji }
              : {}),
            action: reactionEvent.action,
            message_id: reactionEvent.messageId,
          },
        }
      : {}),
  };
}

function bare(value: object, path: string): Record<string, never> {
  if (Object.keys(value).length > 0) throw invalid(path, 'isEmpty', `${path} has no fields: give {}`);
  return {};
}

function payloadOf(payload: Record<string, unknown>, path: string): Record<string, unknown> {
  if (JSON.stringify(payload).length > MAX_PAYLOAD)
    throw invalid(path, 'maxLength', `${path} must be at most ${MAX_PAYLOAD} characters of JSON`);
  return payload;
}

function agentOf({ displayName, type, pictureUrl }: AgentInput): Agent {
  return {
    ...(displayName != null ? { display_name: displayName } : {}),
    type,
    ...(pictureUrl != null ? { picture_url: pictureUrl } : {}),
  };
}
