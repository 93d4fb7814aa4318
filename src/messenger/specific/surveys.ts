import {
  broken,
  type Check,
  fields,
  integer,
  type Json,
  list,
  matching,
  object,
  oneOf,
  text,
  webUrl,
  withoutUrl,
} from './checks.js';

/**
 * What asks people for answers in a form of Messenger's own.
 * Source: messenger-platform/send-messages/templates/{customer-feedback-template,structured-information-template}.
 */

const privacy = fields({ url: webUrl });
const days = integer(1, 7);

const SCORES: Readonly<Record<string, string[]>> = {
  csat: ['one_to_five', 'five_stars', 'five_emojis'],
  nps: ['zero_to_ten'],
  ces: ['one_to_seven'],
  free_form: [],
};

const scoreFits: Check = (value, at) => {
  const { type, score_option: option } = value as Json;
  const allowed = SCORES[type as string] ?? [];
  if (option !== undefined && !allowed.includes(option as string)) {
    throw broken(
      `${at}.score_option`,
      'isIn',
      allowed.length === 0 ? `does not go with ${String(type)}` : `must be one of ${allowed.join(', ')}`,
    );
  }
};

const question = fields(
  {
    id: matching(/^\w{1,80}$/, 'up to 80 letters, digits and underscores'),
    type: oneOf(...Object.keys(SCORES)),
  },
  {
    title: withoutUrl(text(85, 5)),
    score_label: oneOf('neg_pos', 'hard_easy', 'dis_sat', 'unlike_like', 'poor_great', 'none'),
    score_option: text(),
    follow_up: fields({ type: oneOf('free_form') }, { placeholder: text(65) }),
  },
  scoreFits,
);

export const customerFeedback = {
  required: {
    title: withoutUrl(text(65)),
    subtitle: withoutUrl(text(80)),
    button_title: withoutUrl(text(20)),
    feedback_screens: list(1, 1, fields({ questions: list(1, 1, question) })),
    business_privacy: privacy,
  },
  optional: { expires_in_days: days },
};

const country = oneOf('BR', 'CA', 'FR', 'GB', 'ID', 'IN', 'MX', 'PH', 'SG', 'TH', 'US', 'VN');

export const customerInformation = {
  required: { business_privacy: privacy },
  optional: {
    countries: list(1, 12, country),
    expires_in_days: days,
    purpose: oneOf('SHIPPING'),
    address_overrides: list(0, 100, object),
    contact_overrides: list(0, 100, object),
  },
};
