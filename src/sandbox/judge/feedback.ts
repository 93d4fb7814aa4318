import { badParam } from '../graph.error.js';
import { also, anything, anyText, integer, list, matching, oneOf, shape, text, url } from './rules.js';
import type { Rule } from './rules.js';

/**
 * Customer feedback and structured information templates.
 * Source: messenger-platform/send-messages/templates/{customer-feedback-template,structured-information-template}.
 */

function withoutUrl(rule: Rule<string>): Rule<string> {
  return also(rule, (value, at) =>
    /https?:\/\/|\bwww\./i.test(value) ? badParam(`Param ${at} must not contain a URL`) : undefined,
  );
}

const businessPrivacy = shape({ url: url() }, {});
const expiresInDays = integer(1, 7);

const scoreOptions: Record<string, string[]> = {
  csat: ['one_to_five', 'five_stars', 'five_emojis'],
  nps: ['zero_to_ten'],
  ces: ['one_to_seven'],
  free_form: [],
};

const question = also(
  shape(
    {
      id: matching(/^\w{1,80}$/, 'up to 80 letters, digits and underscores'),
      type: oneOf('csat', 'nps', 'ces', 'free_form'),
    },
    {
      title: withoutUrl(text(85, 5)),
      score_label: oneOf('neg_pos', 'hard_easy', 'dis_sat', 'unlike_like', 'poor_great', 'none'),
      score_option: anyText,
      follow_up: shape({ type: oneOf('free_form') }, { placeholder: text(65) }),
    },
  ),
  ({ type, score_option }, at) =>
    score_option === undefined || scoreOptions[type]?.includes(score_option)
      ? undefined
      : badParam(`Param ${at}[score_option] does not fit a question of type ${type}`),
);

export const customerFeedback = shape(
  {
    template_type: oneOf('customer_feedback'),
    title: withoutUrl(text(65)),
    subtitle: withoutUrl(text(80)),
    button_title: withoutUrl(text(20)),
    feedback_screens: list(1, 1, shape({ questions: list(1, 1, question) }, {})),
    business_privacy: businessPrivacy,
  },
  { expires_in_days: expiresInDays },
);

const country = oneOf('BR', 'CA', 'FR', 'GB', 'ID', 'IN', 'MX', 'PH', 'SG', 'TH', 'US', 'VN');

export const customerInformation = shape(
  { template_type: oneOf('customer_information'), business_privacy: businessPrivacy },
  {
    countries: list(1, Number.MAX_SAFE_INTEGER, country),
    expires_in_days: expiresInDays,
    purpose: oneOf('SHIPPING'),
    address_overrides: list(0, Number.MAX_SAFE_INTEGER, anything),
    contact_overrides: list(0, Number.MAX_SAFE_INTEGER, anything),
  },
);
