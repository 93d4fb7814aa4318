/**
 * Webhook fields a page sends us; subscribing replaces the whole list. Without `response_feedback`, which would put thumbs
 * under every message. Source: messenger-platform/webhooks, fields.
 */
export const SUBSCRIBED_FIELDS = [
  'messages',
  'message_echoes',
  'message_edits',
  'message_reactions',
  'message_deliveries',
  'message_reads',
  'messaging_postbacks',
  'messaging_optins',
  'messaging_referrals',
  'messaging_account_linking',
  'messaging_handovers',
  'messaging_policy_enforcement',
  'messaging_feedback',
  'messaging_customer_information',
  'send_cart',
  'standby',
  'feed',
] as const;
