/**
 * What the Send API takes, in characters or items. Meta does not say which characters it counts; UTF-16 units are the
 * strictest reading, so that is what we hold to.
 * Sources: messenger-platform/send-messages/{quick-replies,buttons,template/*} and reference/send-api, 2026-04.
 */
export const LIMITS = {
  text: 2000,
  quickReplies: 13,
  quickReplyTitle: 20,
  buttons: 3,
  buttonTitle: 20,
  buttonTemplateText: 640,
  /** Cards of a generic template, and the title and subtitle of each. */
  elements: 10,
  elementText: 80,
  /** Meta's pages disagree on 1 or 3; 1 holds by both. */
  mediaButtons: 1,
  products: 10,
  /** Of a quick reply and of a postback button. */
  payload: 1000,
} as const;
