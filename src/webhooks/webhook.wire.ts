import { SECRET_MASK } from '../secrets.js';
import type { ClientCredentials } from './client-credentials.js';
import type { Webhook } from './webhook.entity.js';

/** A webhook as the Conversation API's JSON. Source: Conversation API, Webhook. */
export interface WebhookWire {
  id: string;
  app_id: string;
  target: string;
  target_type: string;
  secret: string;
  triggers: string[];
  client_credentials: Record<string, string> | null;
}

export function webhookWire(webhook: Webhook, credentials: ClientCredentials | null): WebhookWire {
  return {
    id: webhook.id,
    app_id: webhook.appId,
    target: webhook.target,
    target_type: webhook.targetType,
    secret: webhook.secret === '' ? '' : SECRET_MASK,
    triggers: webhook.triggers,
    client_credentials: credentials && {
      client_id: credentials.clientId,
      client_secret: SECRET_MASK,
      endpoint: credentials.endpoint,
      scope: credentials.scope,
      response_type: credentials.responseType,
      token_request_type: credentials.tokenRequestType,
    },
  };
}
