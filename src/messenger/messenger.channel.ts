import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type {
  ChannelAccount,
  ChannelCredentials,
  ChannelPayload,
  ChannelPlugin,
  EventRequest,
  MessagingWindow,
  SendOutcome,
  SendRequest,
  TranscodeContext,
  Transcoded,
} from '../channels/channel.js';
import type { AppMessage } from '../content/app-message.js';
import { reason, type Reason } from '../content/reason.js';
import { GraphClient } from './graph/graph.client.js';
import { senderActionOf } from './sender-action.js';
import { STANDARD_WINDOW, tagAdvice, tagOf } from './tags.js';
import { transcode } from './transcode/transcode.js';

/** Facebook Messenger as a channel. */
@Injectable()
export class MessengerChannel implements ChannelPlugin, OnApplicationShutdown {
  readonly channel = 'MESSENGER';

  constructor(private readonly graph: GraphClient) {}

  lookUp(credentials: ChannelCredentials): Promise<ChannelAccount> {
    return this.graph.lookUp(credentials);
  }

  subscribe(credentials: ChannelCredentials, callbackUrl: string): Promise<void> {
    return this.graph.subscribe(credentials, callbackUrl);
  }

  unsubscribe(credentials: ChannelCredentials): Promise<void> {
    return this.graph.unsubscribe(credentials);
  }

  transcode(message: AppMessage, context: TranscodeContext): Transcoded {
    return transcode(message, context);
  }

  /**
   * After 24 hours a send needs a tag, and some tags end as well. Of somebody who never wrote, as far as we know, Meta
   * knows more than we do.
   */
  sendingBlocked(payload: ChannelPayload, lastContactMessageAt: Date | null, now: Date): Reason | null {
    if (lastContactMessageAt === null) return null;
    const silence = now.getTime() - lastContactMessageAt.getTime();
    if (silence < STANDARD_WINDOW || payload.messaging_type === 'UTILITY') return null;
    const since = `The person last wrote at ${lastContactMessageAt.toISOString()}`;
    const { tag } = payload;
    if (typeof tag !== 'string') {
      return outside(`${since}; more than 24 hours later Messenger wants a message tag, such as HUMAN_AGENT`);
    }
    const window = tagOf(tag)?.window ?? null;
    if (window === null || silence < window) return null;
    return outside(`${since}; the tag ${tag} ends ${window / STANDARD_WINDOW} days later`);
  }

  messagingWindow(lastContactMessageAt: Date | null, now: Date): MessagingWindow | null {
    if (lastContactMessageAt === null) return null;
    const expiresAt = new Date(lastContactMessageAt.getTime() + STANDARD_WINDOW);
    const people = tagOf('HUMAN_AGENT')?.window ?? STANDARD_WINDOW;
    return {
      open: now < expiresAt,
      expiresAt,
      humanAgentExpiresAt: new Date(lastContactMessageAt.getTime() + people),
    };
  }

  async send(request: SendRequest): Promise<SendOutcome> {
    const outcome = await this.graph.send(request);
    const { tag } = request.payload;
    const advice = typeof tag === 'string' ? tagAdvice(tag) : null;
    if (outcome.kind !== 'permanent' || advice === null) return outcome;
    const description = `${outcome.reason.description}. ${advice}`;
    return { ...outcome, reason: { ...outcome.reason, description } };
  }

  async sendEvent(request: EventRequest): Promise<SendOutcome> {
    const action = senderActionOf(request.event);
    if (action === null) {
      return { kind: 'permanent', reason: reason('UNSUPPORTED_OPERATION', 'Messenger has no such event') };
    }
    const { credentials, identity, signal } = request;
    return this.graph.send({ credentials, identity, payload: action, reference: '', signal });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.graph.close();
  }
}

function outside(description: string): Reason {
  return reason('OUTSIDE_ALLOWED_SENDING_WINDOW', description);
}
