import { SECRET_MASK } from '../secrets.js';
import { snakeNames } from '../wire/names.js';
import type { App } from './app.entity.js';
import { NO_FALLBACK, OUTBOUND_LIMIT, settingsOf } from './app-settings.js';
import type { ShownCredential } from './channel-credentials.service.js';

/** Source: Conversation API, App. @param outboundSize messages that wait to leave. */
export function appWire(
  app: App,
  credentials: readonly ShownCredential[],
  outboundSize: number,
): Record<string, unknown> {
  const { messageRetrySettings, deliveryReportBasedFallback, ...settings } = settingsOf(app);
  return {
    id: app.id,
    display_name: app.displayName,
    channel_credentials: credentials.map(credentialWire),
    conversation_metadata_report_view: app.conversationMetadataReportView,
    processing_mode: app.processingMode,
    callback_settings: {
      secret_for_overridden_callback_urls: app.callbackSecret === '' ? '' : SECRET_MASK,
    },
    ...(snakeNames(settings) as object),
    message_retry_settings: messageRetrySettings && snakeNames(messageRetrySettings),
    delivery_report_based_fallback: snakeNames(deliveryReportBasedFallback ?? NO_FALLBACK),
    queue_stats: { outbound_size: outboundSize, outbound_limit: OUTBOUND_LIMIT },
    // The vendor's add-ons, which bring fields and a search of their own: Parley keeps and finds every message without them.
    persist_message_status: { enabled: false },
    message_search: { enabled: false },
  };
}

function credentialWire(credential: ShownCredential): Record<string, unknown> {
  const { channel, member, values, callbackSecret, state, description, knownId, ordinal } = credential;
  return {
    channel,
    ...(snakeNames({ [member]: values }) as object),
    callback_secret: callbackSecret,
    state: { status: state, description },
    channel_known_id: knownId,
    credential_ordinal_number: ordinal,
  };
}
