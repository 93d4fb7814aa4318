/**
 * Webhook fields a page sends us; subscribing replaces the whole list. Read, but not asked for: `response_feedback`, which would
 * put thumbs under every message; games and payments, which Meta has ended and whose names may make it refuse all the others;
 * `leadgen`, which needs a permission of its own. With `standby` and the hand-overs, so that a thread that another app owns stays in sight.
 * Source: messenger-platform/webhooks, fields.
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
  'messaging_optouts',
  'messaging_referrals',
  'messaging_account_linking',
  'messaging_handovers',
  'messaging_policy_enforcement',
  'messaging_feedback',
  'messaging_customer_information',
  'messaging_in_thread_lead_form_submit',
  'send_cart',
  'standby',
  'feed',
] as const;
