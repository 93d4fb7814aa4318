// What each payload of the shared corpus has to become, file by file: by its kind, or as an exception by its name.
import type { InboundEvent } from '../../src/channels/channel.js';

type GenericEvent = `generic_event ${string}`;

/** What an event has to become: a content or an event of the person, an echo, a status, a change of a message, or a report. */
export type Outcome =
  | 'text_message'
  | 'media_message'
  | 'media_card_message'
  | 'location_message'
  | 'choice_response_message'
  | 'product_response_message'
  | 'fallback_message'
  | 'echo of PAGE_INBOX'
  | 'echo of OTHER_APP'
  | 'DELIVERED'
  | 'READ'
  | 'reaction_event'
  | 'edit'
  | 'unsend'
  | 'comment_event'
  | 'shortlink_activated_event'
  | GenericEvent
  | 'unsupported'
  | 'ignored';

/** Every payload of the kind becomes these. */
const OUTCOMES: Readonly<Record<string, readonly Outcome[]>> = {
  account_linking: ['generic_event account_linking'],
  app_roles: ['generic_event app_roles'],
  changes_feed_post_add: ['generic_event feed'],
  checkout_update: ['generic_event checkout_update'],
  dashboard_test_messages_change: ['text_message'],
  delivery: ['DELIVERED'],
  delivery_watermark_only: ['DELIVERED'],
  delivery_watermark_string: ['DELIVERED'],
  game_play: ['generic_event game_play'],
  in_thread_lead_form_submit: ['generic_event form'],
  message_attachment_audio: ['media_message'],
  message_attachment_fallback: ['text_message'],
  message_attachment_file: ['media_message'],
  message_attachment_ig_reel: ['media_message'],
  message_attachment_image: ['media_message'],
  message_attachment_image_multi: ['media_message', 'text_message', 'location_message'],
  message_attachment_image_sticker: ['media_message'],
  message_attachment_location: ['location_message'],
  message_attachment_reel: ['media_message'],
  message_attachment_sticker_only: ['media_message'],
  message_attachment_story_mention: ['media_message'],
  message_attachment_template: ['product_response_message'],
  message_attachment_template_product: ['product_response_message'],
  // Meta says by the type that it cannot tell what it is.
  message_attachment_unsupported_type: ['fallback_message'],
  message_attachment_video: ['media_message'],
  message_commands: ['text_message'],
  message_deleted: ['unsend'],
  message_echo: ['echo of OTHER_APP'],
  message_echo_attachment_appointment_booking: ['echo of OTHER_APP'],
  message_echo_attachment_template: ['echo of OTHER_APP'],
  message_echo_fallback_null_payload: ['echo of OTHER_APP'],
  message_echo_page_inbox_app_id: ['echo of PAGE_INBOX'],
  message_echo_reply_to: ['echo of OTHER_APP'],
  // Instagram names no app.
  message_echo_story_mention: ['echo of PAGE_INBOX'],
  message_echo_template_media_numeric_attachment_id_standby: ['echo of OTHER_APP'],
  message_edit: ['edit'],
  message_nlp: ['text_message'],
  message_quick_reply: ['choice_response_message'],
  message_referral_product: ['text_message', 'generic_event referral'],
  message_reply: ['text_message'],
  message_reply_to_self_flag: ['text_message'],
  message_story_reply: ['text_message'],
  message_text: ['text_message'],
  message_text_hop_context_on_entry: ['text_message'],
  // Meta withholds the content, and that there was one has to be seen.
  message_unsupported: ['fallback_message'],
  messaging_customer_information: ['generic_event messaging_customer_information'],
  messaging_feedback_nps: ['generic_event messaging_feedback'],
  messaging_seen_read_mid: ['READ'],
  // Two entries with the same message.
  multi_entry_message_text: ['text_message'],
  negative_empty_entry: [],
  negative_entry_without_events: [],
  optin: ['generic_event optin'],
  optin_notification_messages: ['generic_event optin'],
  optin_notification_messages_no_frequency: ['generic_event optin'],
  optin_one_time_notif_req: ['generic_event optin'],
  optin_user_ref: ['generic_event optin'],
  pass_thread_control: ['generic_event pass_thread_control'],
  pass_thread_control_null_previous_owner: ['generic_event pass_thread_control'],
  payment: ['generic_event payment'],
  'policy-enforcement': ['generic_event policy_enforcement'],
  postback: ['choice_response_message'],
  postback_referral: ['choice_response_message', 'shortlink_activated_event'],
  postback_referral_shortlink: ['choice_response_message', 'shortlink_activated_event'],
  postback_with_mid_v11: ['choice_response_message'],
  reaction: ['reaction_event'],
  reaction_other: ['reaction_event'],
  reaction_unreact_no_emoji: ['reaction_event'],
  read: ['READ'],
  read_watermark_string: ['READ'],
  referral: ['shortlink_activated_event'],
  referral_ads_context: ['generic_event referral'],
  request_thread_control: ['generic_event request_thread_control'],
  response_feedback_bad: ['generic_event response_feedback'],
  send_cart_order: ['product_response_message'],
  standby_message_echo: ['echo of OTHER_APP'],
  standby_message_text: ['text_message'],
  // An app in standby is not told which button it was.
  standby_postback: ['generic_event postback'],
  take_thread_control: ['generic_event take_thread_control'],
  template_coupon_reveal: ['generic_event template'],
};

/** Kinds whose every event is kept raw and reported, and why; README, What a person can do on Messenger, says the same. */
const UNSUPPORTED: readonly (readonly [kinds: RegExp, why: string])[] = [
  [/^(app_roles_no_sender|optin_checkbox_user_ref_no_sender)$/, 'it names no person'],
  [/^policy_enforcement_/, 'it concerns the page, and names no person'],
  [/^dashboard_test_postback_change$/, 'its person is a user_ref, who is nobody yet'],
  [/^changes_feed_comment_add$/, 'all of them are of the page itself, which needs no answer'],
  [/^changes_feed_comment_(edited|hide|remove|unhide)$/, 'nothing new to answer'],
  [/^changes_feed_(album|photo|share|status|video)_/, 'of the page itself, or nothing new to answer'],
  [/^changes_feed_post_(hide|unhide)$/, 'nothing new to answer'],
  [/^changes_feed_(like|reaction)_/, 'Meta takes no private reply to it'],
  [/^changes_(leadgen|mention|mentions|ratings)(_|$)/, 'it names nobody whom a private reply reaches'],
  [/^changes_(comments|live_comments)$/, 'these samples of the dashboard name no author'],
  [/^changes_story_insights$/, 'figures, of nobody'],
  [/^negative_unknown_event$/, 'nobody knows what it is'],
  [/^multi_entry_multi_messaging_negative_unknown_event$/, 'nobody knows what it is'],
];

/** Payloads that are not what is usual for their kind. */
const EXCEPTIONS: Readonly<Record<string, readonly Outcome[]>> = {
  // Names no person.
  'app-roles-01.json': ['unsupported'],
  'policy-enforcement-01.json': ['unsupported'],
  'policy-enforcement-03.json': ['unsupported'],
  'optin-user-ref-01.json': ['unsupported'],
  'optin-user-ref-02.json': ['unsupported'],
  'optin-user-ref-03.json': ['unsupported'],
  // Of a visitor who is no person yet.
  'postback-referral-07.json': ['unsupported'],
  // Sent without an app id, as the Page inbox and the business suite do.
  'message-echo-01.json': ['echo of PAGE_INBOX'],
  'message-echo-02.json': ['echo of PAGE_INBOX'],
  'message-echo-05.json': ['echo of PAGE_INBOX'],
  // An echo of nothing: neither id nor content.
  'message-echo-06.json': ['unsupported'],
  // Two standby items that say nothing, before the text.
  'message-text-13.json': ['unsupported', 'unsupported', 'text_message'],
  // The picture of a message of the business.
  'message-attachment-template-01.json': ['fallback_message'],
  'message-attachment-template-02.json': ['text_message', 'product_response_message'],
  'message-quick-reply-04.json': ['choice_response_message', 'media_message'],
  'message-quick-reply-06.json': ['choice_response_message', 'media_message'],
  // With the id of an ad, or a source that is no link.
  'postback-referral-03.json': ['choice_response_message', 'generic_event referral'],
  'postback-referral-04.json': ['choice_response_message', 'generic_event referral'],
  'postback-referral-05.json': ['choice_response_message', 'generic_event referral'],
  'postback-referral-06.json': ['choice_response_message', 'generic_event referral'],
  'referral-04.json': ['generic_event referral'],
  'referral-06.json': ['generic_event referral'],
  'referral-07.json': ['generic_event referral'],
  'referral-08.json': ['generic_event referral'],
  'referral-09.json': ['generic_event referral'],
};

/** Files that share a name over the folders. */
const EXCEPTIONS_OF_INSTAGRAM: Readonly<Record<string, readonly Outcome[]>> = {
  // Instagram names no app; without content it is kept as it came.
  'message-echo-01.json': ['echo of PAGE_INBOX'],
};

/**
 * @param events how many events the payload holds.
 * @throws Error for a kind that nobody has written an outcome down for.
 */
export function expectedOutcomes(
  { file, kind }: { file: string; kind: string },
  events: number,
  object = 'page',
): Outcome[] {
  const exceptions = object === 'instagram' ? EXCEPTIONS_OF_INSTAGRAM : EXCEPTIONS;
  const outcomes = exceptions[file] ?? OUTCOMES[kind];
  if (outcomes) return [...outcomes].sort();
  if (UNSUPPORTED.some(([kinds]) => kinds.test(kind)))
    return Array.from({ length: events }, () => 'unsupported');
  throw new Error(`no outcome is written down for ${file}, of the kind ${kind}`);
}

/** What a parsed event is going to become. */
export function outcomeOfParsed(event: InboundEvent): Outcome {
  switch (event.kind) {
    case 'message':
      return Object.keys(event.content)[0] as Outcome;
    case 'echo':
      return `echo of ${event.origin}`;
    case 'receipt':
      return event.status;
    case 'reaction':
      return 'reaction_event';
    case 'event':
      return outcomeOfContent(event.content);
    case 'edit':
    case 'unsend':
    case 'unsupported':
      return event.kind;
  }
}

/** @param content of a contact's event, in the Conversation API's JSON. */
export function outcomeOfContent(content: object): Outcome {
  const { contact_event, contact_message_event } = content as Record<
    string,
    Record<string, unknown> | undefined
  >;
  const [kind = 'nothing', fields] = Object.entries(contact_event ?? contact_message_event ?? {})[0] ?? [];
  if (kind !== 'generic_event') return kind as Outcome;
  const { payload } = fields as { payload: { type: string } };
  return `generic_event ${payload.type}`;
}
