import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type {
  ChannelAccount,
  ChannelCredentials,
  ChannelPlugin,
  SendOutcome,
  SendRequest,
  TranscodeContext,
  Transcoded,
} from '../channels/channel.js';
import type { AppMessage } from '../content/app-message.js';
import { reason, type Reason } from '../content/reason.js';
import { GraphClient } from './graph/graph.client.js';
import { STANDARD_WINDOW, tagAdvice, tagOf } from './tags.js';
import { transcode } from './transcode/transcode.js';

/** Facebook Messenger as a channel. */
@Injectable()
export class MessengerChannel implements ChannelPlugin, OnApplicationShutdown {
  readonly channel = 'MESSENGER';
  readonly window = STANDARD_WINDOW;

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
  sendingBlocked(
    lastContactMessageAt: Date | null,
    properties: Record<string, string>,
    now: Date,
  ): Reason | null {
    if (lastContactMessageAt === null) return null;
    const silence = now.getTime() - lastContactMessageAt.getTime();
    if (silence < STANDARD_WINDOW || properties.MESSENGER_MESSAGING_TYPE === 'UTILITY') return null;
    const since = `The person last wrote at ${lastContactMessageAt.toISOString()}`;
    const name = properties.MESSENGER_MESSAGE_TAG;
    if (!name) {
      return outside(`${since}; more than 24 hours later Messenger wants a message tag, such as HUMAN_AGENT`);
    }
    const window = tagOf(name)?.window ?? null;
    if (window === null || silence < window) return null;
    return outside(`${since}; the tag ${name} ends ${window / STANDARD_WINDOW} days later`);
  }

  async send(request: SendRequest): Promise<SendOutcome> {
    const outcome = await this.graph.send(request);
    const { tag } = request.payload;
    const advice = typeof tag === 'string' ? tagAdvice(tag) : null;
    if (outcome.kind !== 'permanent' || advice === null) return outcome;
    const description = `${outcome.reason.description}. ${advice}`;
    return { ...outcome, reason: { ...outcome.reason, description } };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.graph.close();
  }
}

function outside(description: string): Reason {
  return reason('OUTSIDE_ALLOWED_SENDING_WINDOW', description);
}
