import type { AppMessage } from '../content/app-message.js';
import type { ContactMessage } from '../content/contact-message.js';
import type { Reason } from '../content/reason.js';

/** The plug-in seam: all that the rest of Parley knows about a channel. Types only. */

export type ConversationChannel = 'MESSENGER';

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
  /** How long after a person's last message free sends are allowed, in ms; null: always. */
  readonly window: number | null;
  /** @throws ChannelConnectError when the channel refuses the token or cannot be asked. */
  lookUp(credentials: ChannelCredentials): Promise<ChannelAccount>;
  /** Asks the channel to send its webhooks to `callbackUrl`. @throws ChannelConnectError */
  subscribe(credentials: ChannelCredentials, callbackUrl: string): Promise<void>;
  /** Undoes `subscribe`. @throws ChannelConnectError */
  unsubscribe(credentials: ChannelCredentials): Promise<void>;
  /** Pure. @throws DomainError INVALID_ARGUMENT when the message cannot be said on the channel at all. */
  transcode(message: AppMessage, context: TranscodeContext): Transcoded;
  /** Null when the send may go out now, or why the channel would refuse it. */
  sendingBlocked(
    lastContactMessageAt: Date | null,
    properties: Record<string, string>,
    now: Date,
  ): Reason | null;
  send(request: SendRequest): Promise<SendOutcome>;
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
