// The settings of an app as they are given, answered and stored. Source: Conversation API, App.
import type { SecretBox } from '../secrets.js';
import type { App } from './app.entity.js';
import { type ConversationMetadataReportView, type ProcessingMode, RetentionType } from './app-enums.js';

/** What a caller sets; what is absent stays (or takes its default in a new app), null is reset to the default. */
export interface AppChanges {
  displayName?: string;
  processingMode?: `${ProcessingMode}` | null;
  conversationMetadataReportView?: `${ConversationMetadataReportView}` | null;
  retentionPolicy?: { retentionType?: `${RetentionType}` | null; ttlDays?: number | null } | null;
  dispatchRetentionPolicy?: { ttlDays?: number | null } | null;
  smartConversation?: { enabled: boolean } | null;
  /** Its secret: absent stays, null and empty leave the callback URLs unsigned. */
  callbackSettings?: { secretForOverriddenCallbackUrls?: string | null } | null;
  messageRetrySettings?: { retryDuration?: number | null } | null;
  deliveryReportBasedFallback?: { enabled: boolean; deliveryReportWaitingTime?: number | null } | null;
}

/** The settings that an answer shows, with what cannot be set. */
export interface AppSettings {
  retentionPolicy: { retentionType: RetentionType; ttlDays: number };
  dispatchRetentionPolicy: { retentionType: RetentionType; ttlDays: number };
  smartConversation: { enabled: boolean };
  messageRetrySettings: { retryDuration: number } | null;
  deliveryReportBasedFallback: { enabled: boolean; deliveryReportWaitingTime: number } | null;
  /** Requests per second, as the API documents them. */
  rateLimits: { inbound: number; outbound: number; webhooks: number };
}

export const RETENTION_DAYS = { min: 1, max: 3650, default: 180 };
export const DISPATCH_RETENTION_DAYS = { min: 0, max: 7, default: 0 };
/** Seconds. */
export const RETRY_DURATION = { min: 30, max: 3600, default: 3600 };
/** Seconds. */
export const WAITING_TIME = { min: 10, max: 259_200 };
/** Messages that may wait to leave. */
export const OUTBOUND_LIMIT = 500_000;
const RATE_LIMIT = 25;
/** Of an app that was never told. */
export const NO_FALLBACK = { enabled: false, deliveryReportWaitingTime: 0 };

export function settingsOf(app: App): AppSettings {
  const { retrySeconds, fallbackEnabled: enabled, fallbackSeconds } = app;
  return {
    retentionPolicy: { retentionType: app.retentionType, ttlDays: app.retentionDays },
    dispatchRetentionPolicy: {
      retentionType: RetentionType.MESSAGE_EXPIRE_POLICY,
      ttlDays: app.dispatchRetentionDays,
    },
    smartConversation: { enabled: app.smartConversation },
    messageRetrySettings: retrySeconds === null ? null : { retryDuration: retrySeconds },
    deliveryReportBasedFallback:
      fallbackSeconds === null ? null : { enabled, deliveryReportWaitingTime: fallbackSeconds },
    rateLimits: { inbound: RATE_LIMIT, outbound: RATE_LIMIT, webhooks: RATE_LIMIT },
  };
}

/** The columns that changes are about, as they are stored. */
export function columnsOf(changes: AppChanges, secrets: SecretBox): Partial<App> {
  const { displayName, processingMode, conversationMetadataReportView: view } = changes;
  const { retentionPolicy, dispatchRetentionPolicy: dispatch, smartConversation: smart } = changes;
  const { messageRetrySettings: retry, deliveryReportBasedFallback: fallback, callbackSettings } = changes;
  const secret =
    callbackSettings === null ? '' : (callbackSettings?.secretForOverriddenCallbackUrls ?? undefined);
  const unsigned = callbackSettings?.secretForOverriddenCallbackUrls === null;
  return {
    ...(displayName === undefined ? {} : { displayName }),
    ...(processingMode === undefined ? {} : { processingMode: processingMode ?? 'CONVERSATION' }),
    ...(view === undefined ? {} : { conversationMetadataReportView: view ?? 'NONE' }),
    ...(retentionPolicy === undefined ? {} : retentionColumns(retentionPolicy)),
    ...(dispatch === undefined ? {} : { dispatchRetentionDays: dispatch?.ttlDays ?? 0 }),
    ...(smart === undefined ? {} : { smartConversation: smart?.enabled ?? false }),
    ...(unsigned || secret !== undefined ? { callbackSecret: secret ? secrets.encrypt(secret) : '' } : {}),
    ...(retry === undefined
      ? {}
      : { retrySeconds: retry && (retry.retryDuration || RETRY_DURATION.default) }),
    ...(fallback === undefined
      ? {}
      : {
          fallbackEnabled: fallback?.enabled ?? false,
          fallbackSeconds: fallback && (fallback.deliveryReportWaitingTime ?? 0),
        }),
  };
}

function retentionColumns(policy: AppChanges['retentionPolicy']): Partial<App> {
  return {
    retentionType: (policy?.retentionType ?? 'MESSAGE_EXPIRE_POLICY') as RetentionType,
    retentionDays: policy?.ttlDays || RETENTION_DAYS.default,
  };
}
