const DAY = 24 * 60 * 60 * 1000;

/** How long after a person's last message the page may answer freely, in ms. Source: messenger-platform/policy. */
export const STANDARD_WINDOW = DAY;

export interface MessageTag {
  /** How long after the person's last message it may be used, in ms; null: no limit is known. */
  window: number | null;
  /** Since when Meta refuses it: a date, or the year where no more is known. */
  removed?: string;
}

const REPLACEMENT = 'a utility template, or HUMAN_AGENT where a person answers';
const RETIRED_2020: MessageTag = { window: null, removed: '2020' };
const RETIRED_2026: MessageTag = { window: null, removed: '2026-04-27' };

/**
 * Message tags and their state. One that is not here is sent as asked: Meta decides.
 * Sources: messenger-platform/send-messages and reference/send-api, `tag`; changelog 2026-04-27.
 */
const TAGS: Record<string, MessageTag | undefined> = {
  HUMAN_AGENT: { window: 7 * DAY },
  CUSTOMER_FEEDBACK: { window: 7 * DAY },
  NON_PROMOTIONAL_SUBSCRIPTION: { window: null },
  CONFIRMED_EVENT_UPDATE: RETIRED_2026,
  ACCOUNT_UPDATE: RETIRED_2026,
  POST_PURCHASE_UPDATE: RETIRED_2026,
  APPLICATION_UPDATE: RETIRED_2020,
  APPOINTMENT_UPDATE: RETIRED_2020,
  BUSINESS_PRODUCTIVITY: RETIRED_2020,
  COMMUNITY_ALERT: RETIRED_2020,
  CONFIRMED_EVENT_REMINDER: RETIRED_2020,
  FEATURE_FUNCTIONALITY_UPDATE: RETIRED_2020,
  GAME_EVENT: RETIRED_2020,
  ISSUE_RESOLUTION: RETIRED_2020,
  PAIRING_UPDATE: RETIRED_2020,
  PAYMENT_UPDATE: RETIRED_2020,
  RESERVATION_UPDATE: RETIRED_2020,
  SHIPPING_UPDATE: RETIRED_2020,
  TICKET_UPDATE: RETIRED_2020,
  TRANSPORTATION_UPDATE: RETIRED_2020,
};

export function tagOf(name: string): MessageTag | undefined {
  return Object.hasOwn(TAGS, name) ? TAGS[name] : undefined;
}

/** Why a tag of the past will not work, for notes and failure reasons; null for one in force or unknown. */
export function tagAdvice(name: string): string | null {
  const tag = tagOf(name);
  return tag?.removed ? `Meta removed the tag ${name} (${tag.removed}); use ${REPLACEMENT} instead` : null;
}
