import type { AppEvent } from '../content/app-event.js';
import type { AppMessage } from '../content/app-message.js';
import type { ContactMessage } from '../content/contact-message.js';
import type { Reason } from '../content/reason.js';

/** The plug-in seam: all that the rest of Parley knows about a channel. Types only. */

/** Source: Conversation API, ConversationChannel. Which of them work is up to the plug-ins. */
export type ConversationChannel =
  | 'APPLEBC'
  | 'INSTAGRAM'
  | 'KAKAOTALK'
  | 'KAKAOTALKCHAT'
  | 'LINE'
  | 'MESSENGER'
  | 'MMS'
  | 'RCS'
  | 'SMS'
  | 'TELEGRAM'
  | 'VIBER'
  | 'VIBERBM'
  | 'WECHAT'
  | 'WHATSAPP';

export interface ChannelCredentials {
  token: string;
  /** Verifies the channel's webhooks; for Messenger the Facebook app secret. Empty: not checked. */
  callbackSecret: string;
  /** The channel's own account, for Messenger the page id; null until known. */
  accountId: string | null;
}

/** Who a token speaks for. */
export interface ChannelAccount {
  accountId: string;
  displayName: string | null;
}

/** One call to the channel. The payloads of a message are sent in order, each after the one before was taken. */
export type ChannelPayload = Record<string, unknown>;

/** What the transcoder changed, and by which rule, so that nothing is degraded in silence. */
export interface TranscodeNote {
  /** Path in the generic message, snake_case. */
  field: string;
  rule: string;
  action: string;
}

export interface Transcoded {
  payloads: ChannelPayload[];
  notes: TranscodeNote[];
}

export interface TranscodeContext {
  /** Ours; default postback data are made of it. */
  messageId: string;
  /** `channel_properties` of the send, e.g. MESSENGER_MESSAGE_TAG. */
  properties: Record<string, string>;
  /** The channel's id of the message that `reply_to` names; absent when the channel never had it. */
  quotes?: string;
}

export interface SendRequest {
  credentials: ChannelCredentials;
  /** The person's identity on the channel. */
  identity: string;
  payload: ChannelPayload;
  /** Comes back in the channel's echo, so that a send whose answer was lost can be recognised. */
  reference: string;
  signal: AbortSignal;
}

export interface EventRequest {
  credentials: ChannelCredentials;
  /** The person's identity on the channel. */
  identity: string;
  event: AppEvent;
  /** The channel's id of the message that a reaction is about. */
  channelMessageId?: string;
  signal: AbortSignal;
}

/** Until when an app may write freely, and until when people may under HUMAN_AGENT or its like; null where there is none. */
export interface MessagingWindow {
  open: boolean;
  expiresAt: Date | null;
  humanAgentExpiresAt: Date | null;
}

/** How one call ended. Every channel's errors are reduced to these few. */
export type SendOutcome =
  | { kind: 'accepted'; channelMessageId: string | null }
  /** Worth trying again; `after` in ms where the channel said when. `uncertain`: it may have been accepted, only the answer was lost. */
  | { kind: 'transient'; reason: Reason; after?: number; uncertain?: boolean }
  | { kind: 'permanent'; reason: Reason }
  /** The token is dead: the whole channel stops until it is reconnected. */
  | { kind: 'unauthorized'; reason: Reason };

export interface ChannelPlugin {
  readonly channel: ConversationChannel;
  /** @throws ChannelConnectError when the channel refuses the token or cannot be asked. */
  lookUp(credentials: ChannelCredentials): Promise<ChannelAccount>;
  /** Asks the channel to send its webhooks to `callbackUrl`. @throws ChannelConnectError */
  subscribe(credentials: ChannelCredentials, callbackUrl: string): Promise<void>;
  /** Undoes `subscribe`. @throws ChannelConnectError */
  unsubscribe(credentials: ChannelCredentials): Promise<void>;
  /** Pure. @throws DomainError INVALID_ARGUMENT when the message cannot be said on the channel at all. */
  transcode(message: AppMessage, context: TranscodeContext): Transcoded;
  /** Null when the payload may go out now, or why the channel would refuse it. Pure. */
  sendingBlocked(payload: ChannelPayload, lastContactMessageAt: Date | null, now: Date): Reason | null;
  /** Null where the channel always takes messages, or nothing is known of the person. Pure. */
  messagingWindow(lastContactMessageAt: Date | null, now: Date): MessagingWindow | null;
  send(request: SendRequest): Promise<SendOutcome>;
  /** An event that the channel does not have is a permanent outcome, UNSUPPORTED_OPERATION. */
  sendEvent(request: EventRequest): Promise<SendOutcome>;
}

export class ChannelConnectError extends Error {
  override readonly name = 'ChannelConnectError';

  constructor(
    message: string,
    /** True when the token itself is refused, so that a new one is needed. */
    readonly unauthorized: boolean,
  ) {
    super(message);
  }
}

/** What a channel's webhook says, in our words. `identity` is the person, whoever sent it. */
export type InboundEvent = InboundMessage | InboundEcho | InboundReceipt | InboundUnsupported;

interface InboundBase {
  identity: string;
  /** The channel's own time; null when it gave none. */
  at: Date | null;
}

/** A person wrote, or picked a choice. */
export interface InboundMessage extends InboundBase {
  kind: 'message';
  /** Duplicates are recognised by it; the plug-in derives one where the channel gives none. */
  channelMessageId: string;
  content: ContactMessage;
  /** Channel id of the message that this one quotes. */
  replyTo?: string;
  /** Which choice of which message of ours was picked, where the channel could not carry the postback data itself. */
  choice?: { messageId: string; index: number };
}

/** The business's side as the channel tells it: our own sends come back, and so does what other tools sent. */
export interface InboundEcho extends InboundBase {
  kind: 'echo';
  channelMessageId: string;
  content: AppMessage;
  /** What we gave with the send; absent when somebody else sent it. */
  reference?: string;
  origin: 'PAGE_INBOX' | 'OTHER_APP';
}

export interface InboundReceipt extends InboundBase {
  kind: 'receipt';
  status: 'DELIVERED' | 'READ';
  /** Everything sent until then, in the channel's clock. */
  watermark: Date | null;
  channelMessageIds: string[];
}

/** Kept raw and reported, so that nothing is lost; `identity` is empty where the event concerns no person. */
export interface InboundUnsupported extends InboundBase {
  kind: 'unsupported';
  /** The channel's JSON of this event. */
  raw: unknown;
  /** Deduplicates a redelivery. */
  key: string;
}
