import type { AppEvent } from '../content/app-event.js';
import type { AppMessage } from '../content/app-message.js';
import type { ContactSideEvent, ReactionCategory } from '../content/contact-event.js';
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

/** Credentials of an app's channel: what a plug-in keeps for the account belongs to the app. */
export interface ConnectedCredentials extends ChannelCredentials {
  projectId: string;
  appId: string;
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
  credentials: ConnectedCredentials;
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

/** The channel wants no more calls with this token for so many ms; null: it did not say how long. */
export interface SlowDown {
  ms: number | null;
}

/** How one call ended. Every channel's errors are reduced to these few; any of them may come with the wish for fewer calls. */
export type SendOutcome = { slowDown?: SlowDown } & (
  | { kind: 'accepted'; channelMessageId: string | null }
  /**
   * Worth trying again; `after` in ms where the channel said when. `tries`: so many in all and no more. `uncertain`: it may have been
   * accepted, only the answer was lost.
   */
  | { kind: 'transient'; reason: Reason; after?: number; tries?: number; uncertain?: boolean }
  | { kind: 'permanent'; reason: Reason }
  /** The token is dead: the whole channel stops until it is reconnected. */
  | { kind: 'unauthorized'; reason: Reason }
);

/** A call that asks the channel for something ended without it. */
export type Refusal = Exclude<SendOutcome, { kind: 'accepted' }>;

/** What a channel tells of a person; null is what it does not. */
export interface ChannelProfile {
  name: string | null;
  firstName: string | null;
  lastName: string | null;
  /** May expire. */
  pictureUrl: string | null;
  /** Such as `pt_BR`. */
  locale: string | null;
  /** Hours from UTC, with fractions. */
  timezone: number | null;
  gender: string | null;
}

/** A permanent refusal: the channel will not tell. */
export type ProfileOutcome = { kind: 'profile'; profile: ChannelProfile; slowDown?: SlowDown } | Refusal;

/** What was said before, newest conversations first. */
export interface HistoryPage {
  kind: 'page';
  /** Messages and echoes as their webhooks would have told them, of each conversation the oldest first. */
  events: (InboundMessage | InboundEcho)[];
  conversations: number;
  /** Where the next page begins; null after the last. */
  next: string | null;
  slowDown?: SlowDown;
}

/** A permanent refusal of any page but the first may mean that its place is no longer known. */
export type HistoryOutcome = HistoryPage | Refusal;

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
  /** Absent where the channel tells nothing of people. */
  profile?(credentials: ChannelCredentials, identity: string, signal: AbortSignal): Promise<ProfileOutcome>;
  /** Absent where the channel keeps no history. `page`: where to go on; null for the newest. */
  history?(
    credentials: ChannelCredentials,
    page: string | null,
    signal: AbortSignal,
  ): Promise<HistoryOutcome>;
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
export type InboundEvent =
  | InboundMessage
  | InboundEcho
  | InboundReceipt
  | InboundReaction
  | InboundEdit
  | InboundUnsend
  | InboundContactEvent
  | InboundUnsupported;

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
  /** The channel's own fields that have no generic form, e.g. NLP results or a sticker's id. */
  details?: Record<string, unknown>;
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
  replyTo?: string;
  details?: Record<string, unknown>;
}

export interface InboundReceipt extends InboundBase {
  kind: 'receipt';
  status: 'DELIVERED' | 'READ';
  /** Everything sent until then, in the channel's clock. */
  watermark: Date | null;
  channelMessageIds: string[];
}

/** A person put a sign on a message, or took it away. */
export interface InboundReaction extends InboundBase {
  kind: 'reaction';
  /** The message it is about, either side's. */
  channelMessageId: string;
  /** Null when it was taken away. */
  reaction: { emoji: string; category: ReactionCategory } | null;
}

/** A message says something else now. */
export interface InboundEdit extends InboundBase {
  kind: 'edit';
  channelMessageId: string;
  text: string;
  /** Counts the edits of the message, so that a late one does not undo a later one; null when the channel does not count. */
  revision: number | null;
}

/** A message was taken back: what it said may no longer be shown or kept. */
export interface InboundUnsend extends InboundBase {
  kind: 'unsend';
  channelMessageId: string;
}

/** Whatever else a person does. */
export interface InboundContactEvent extends InboundBase {
  kind: 'event';
  /** Deduplicates a redelivery. */
  key: string;
  content: ContactSideEvent;
  /** The channel's own fields that have no generic form. */
  details?: Record<string, unknown>;
}

/** Kept raw and reported, so that nothing is lost; `identity` is empty where the event concerns no person. */
export interface InboundUnsupported extends InboundBase {
  kind: 'unsupported';
  /** The channel's JSON of this event. */
  raw: unknown;
  /** Deduplicates a redelivery. */
  key: string;
}
