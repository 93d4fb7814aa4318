/**
 * What the Send API takes, in characters or items. Meta does not say which characters it counts; UTF-16 units are the
 * strictest reading, so that is what we hold to.
 * Sources: messenger-platform/send-messages/{quick-replies,buttons,template/button} and reference/send-api, 2026-04.
 */
export const LIMITS = {
  text: 2000,
  quickReplies: 13,
  quickReplyTitle: 20,
  buttons: 3,
  buttonTitle: 20,
  buttonTemplateText: 640,
  /** Of a quick reply and of a postback button. */
  payload: 1000,
} as const;
