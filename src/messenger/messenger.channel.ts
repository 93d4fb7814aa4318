import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type {
  ChannelAccount,
  ChannelCredentials,
  ChannelPayload,
  ChannelPlugin,
  EventRequest,
  HistoryOutcome,
  MessagingWindow,
  ProfileOutcome,
  SendOutcome,
  SendRequest,
  TranscodeContext,
  Transcoded,
} from '../channels/channel.js';
import type { AppMessage } from '../content/app-message.js';
import { reason, type Reason } from '../content/reason.js';
import { MediaKinds } from './assets/media-kinds.js';
import { Preparation, Unprepared } from './assets/preparation.js';
import { GraphClient } from './graph/graph.client.js';
import { fetchHistory } from './history/conversations.js';
import { fetchProfile } from './profile/profile.js';
import { senderActionOf } from './sender-action.js';
import { STANDARD_WINDOW, tagAdvice, tagOf } from './tags.js';
import { transcode } from './transcode/transcode.js';

/** Facebook Messenger as a channel. */
@Injectable()
export class MessengerChannel implements ChannelPlugin, OnApplicationShutdown {
  readonly channel = 'MESSENGER';

  /** Payloads whose media is a file for want of knowing better. */
  private readonly guesses = new WeakSet<ChannelPayload>();

  constructor(
    private readonly graph: GraphClient,
    private readonly preparation: Preparation,
    private readonly mediaKinds: MediaKinds,
  ) {}

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
    const transcoded = transcode(message, context);
    const { explicit_channel_message: explicit, channel_specific_message: specific } = message;
    // What the caller wrote for Messenger says what it is.
    if (explicit?.MESSENGER === undefined && specific?.MESSENGER === undefined) {
      const named = /\.\w+$/.test(message.media_message?.filename_override ?? '');
      for (const payload of transcoded.payloads) if (!named && fileOf(payload)) this.guesses.add(payload);
    }
    return transcoded;
  }

  /**
   * After 24 hours a send needs a tag, and some tags end as well. Of somebody who never wrote, as far as we know, Meta
   * knows more than we do.
   */
  sendingBlocked(payload: ChannelPayload, lastContactMessageAt: Date | null, now: Date): Reason | null {
    if (lastContactMessageAt === null) return null;
    if (isOptedIn(payload)) return null;
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
    const outcome = await this.deliver(request);
    const { tag } = request.payload;
    const advice = typeof tag === 'string' ? tagAdvice(tag) : null;
    if (outcome.kind !== 'permanent' || advice === null) return outcome;
    const description = `${outcome.reason.description}. ${advice}`;
    return { ...outcome, reason: { ...outcome.reason, description } };
  }

  private async deliver(request: SendRequest, again = true): Promise<SendOutcome> {
    try {
      const told = { ...request, payload: await this.told(request.payload) };
      const prepared = await this.preparation.prepare(told);
      const outcome = await this.graph.send({ ...request, payload: prepared.payload });
      const stale = again && (await this.preparation.forgetStale(request.credentials, prepared, outcome));
      return stale ? await this.deliver(request, false) : outcome;
    } catch (error) {
      if (error instanceof Unprepared) return error.outcome;
      throw error;
    }
  }

  /** The payload with the kind of its media, where the address tells it. */
  private async told(payload: ChannelPayload): Promise<ChannelPayload> {
    const file = this.guesses.has(payload) ? fileOf(payload) : null;
    const type = file && (await this.mediaKinds.of(file.url));
    if (!file || !type) return payload;
    const message = payload.message as Record<string, unknown>;
    return { ...payload, message: { ...message, attachment: { type, payload: file } } };
  }

  async sendEvent(request: EventRequest): Promise<SendOutcome> {
    const action = senderActionOf(request.event, request.channelMessageId);
    if (action === null) {
      return { kind: 'permanent', reason: reason('UNSUPPORTED_OPERATION', 'Messenger has no such event') };
    }
    const { credentials, identity, signal } = request;
    return this.graph.send({ credentials, identity, payload: action, reference: '', signal });
  }

  profile(credentials: ChannelCredentials, identity: string, signal: AbortSignal): Promise<ProfileOutcome> {
    return fetchProfile(this.graph, credentials, identity, signal);
  }

  history(
    credentials: ChannelCredentials,
    page: string | null,
    signal: AbortSignal,
  ): Promise<HistoryOutcome> {
    return fetchHistory(this.graph, credentials, page, signal);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.graph.close();
  }
}

function outside(description: string): Reason {
  return reason('OUTSIDE_ALLOWED_SENDING_WINDOW', description);
}

/** A person who asked for notifications has given the page a way around the window. */
function isOptedIn({ recipient }: ChannelPayload): boolean {
  return typeof recipient === 'object' && recipient !== null && 'notification_messages_token' in recipient;
}

/** The media of an attachment that is a file by an address without an extension. */
function fileOf(payload: ChannelPayload): { url: string } | null {
  const { message } = payload as {
    message?: { attachment?: { type?: unknown; payload?: { url?: unknown } } };
  };
  const { type, payload: media } = message?.attachment ?? {};
  if (type !== 'file' || typeof media?.url !== 'string') return null;
  return /\.\w+$/.test(URL.parse(media.url)?.pathname ?? '') ? null : { ...media, url: media.url };
}
