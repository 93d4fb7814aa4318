/**
 * Fields of the object `page` that an app can subscribe to.
 * Source: messenger-platform/webhooks; graph-api/reference/page/subscribed_apps.
 */
export const subscriptionFields: readonly string[] = [
  'messages',
  'message_echoes',
  'message_edits',
  'message_reactions',
  'message_deliveries',
  'message_reads',
  'message_requests',
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
  'messaging_game_plays',
  'response_feedback',
  'send_cart',
  'standby',
  'messenger_template_status_update',
  'message_template_status_update',
  'feed',
  'mention',
  'leadgen',
  'ratings',
  'conversations',
  'name',
  'group_feed',
];

/** Which field brings an event object, by the key that holds it. */
const fieldByKey: Record<string, string> = {
  message: 'messages',
  template: 'messages',
  message_edit: 'message_edits',
  reaction: 'message_reactions',
  delivery: 'message_deliveries',
  read: 'message_reads',
  message_request: 'message_requests',
  postback: 'messaging_postbacks',
  optin: 'messaging_optins',
  referral: 'messaging_referrals',
  account_linking: 'messaging_account_linking',
  pass_thread_control: 'messaging_handovers',
  take_thread_control: 'messaging_handovers',
  request_thread_control: 'messaging_handovers',
  app_roles: 'messaging_handovers',
  policy_enforcement: 'messaging_policy_enforcement',
  messaging_feedback: 'messaging_feedback',
  messaging_customer_information: 'messaging_customer_information',
  form: 'messaging_in_thread_lead_form_submit',
  game_play: 'messaging_game_plays',
  response_feedback: 'response_feedback',
  order: 'send_cart',
};

/** The field an item of `entry[].messaging[]` belongs to; undefined for kinds that Meta has not thought of yet. */
export function fieldOf(item: Record<string, unknown>): string | undefined {
  const { message } = item;
  if (typeof message === 'object' && message !== null && 'is_echo' in message) return 'message_echoes';
  return Object.entries(fieldByKey).find(([key]) => key in item)?.[1];
}
