import type {
  CalendarMessage,
  CardMessage,
  Choice,
  ContactInfoMessage,
  Coordinates,
  GenericContent,
  ListItem,
  ListMessage,
  ListSection,
  LocationMessage,
  MediaMessage,
  ProductItem,
  TemplateMessage,
  TemplateReference,
  TextMessage,
} from './app-message.js';
import {
  anyText,
  check,
  exactlyOne,
  holds,
  list,
  map,
  number,
  object,
  oneOf,
  optional,
  type Rule,
  text,
} from './check.js';
import { countryCode, currency, date, dateTime, emailAddress, phoneNumber, url } from './forms.js';

/** What a template can say: exactly one of the fields. Source: Conversation API, V2Template. */
export interface TemplateContent extends GenericContent {
  template_message?: TemplateMessage;
}

/** Far past any channel's own limit; a channel splits or refuses what it cannot take. */
const MAX_TEXT = 30_000;
const MAX_TITLE = 1_000;
const MAX_NAME = 255;
const MAX_ENTRIES = 100;
const MAX_CONTACT_ENTRIES = 50;
const MAX_CHANNELS = 20;
const MAX_PARAMETERS = 200;
/** Source: Conversation API, limits. */
const MAX_CHOICES = 10;
const MAX_CARDS = 10;
const MAX_OUTER_CHOICES = 3;

const CHANNEL = /^[A-Z_]{2,32}$/;
/** Channels name parameters as they like: `header[1]image.link`. */
const PARAMETER = /^[^\p{Cc}\p{Cs}]{1,255}$/u;

const amount = number(0, Number.MAX_SAFE_INTEGER);
const title = text(MAX_TITLE);
const name = optional(anyText(MAX_NAME));

const textMessage = object<TextMessage>({ text: text(MAX_TEXT) });
const media = object<MediaMessage>({
  url,
  thumbnail_url: optional(url),
  filename_override: name,
});
const location = object<LocationMessage>({
  title,
  label: optional(anyText(MAX_TITLE)),
  coordinates: object<Coordinates>({ latitude: number(-90, 90), longitude: number(-180, 180) }),
});

const calendar = holds(
  object<CalendarMessage>({
    title,
    event_start: dateTime,
    event_end: dateTime,
    event_title: title,
    event_description: optional(anyText(MAX_TEXT)),
    fallback_url: url,
  }),
  'notBefore',
  'must not end before it starts',
  // Of a placeholder no time is known, and nothing is before it.
  ({ event_start, event_end }) => !(Date.parse(event_end) < Date.parse(event_start)),
);
const choice = exactlyOne<Choice>(
  [
    'text_message',
    'url_message',
    'call_message',
    'location_message',
    'calendar_message',
    'share_location_message',
  ],
  object<Choice>({
    text_message: optional(textMessage),
    url_message: optional(object<NonNullable<Choice['url_message']>>({ title, url })),
    call_message: optional(object<NonNullable<Choice['call_message']>>({ title, phone_number: phoneNumber })),
    location_message: optional(location),
    calendar_message: optional(calendar),
    share_location_message: optional(
      object<NonNullable<Choice['share_location_message']>>({ title, fallback_url: url }),
    ),
    postback_data: optional(anyText(MAX_TEXT)),
    display_mode: optional(oneOf('DISPLAY_MODE_UNSPECIFIED', 'PERSISTENT')),
  }),
);
const outerChoice = holds(
  choice,
  'notAllowed',
  'must not be PERSISTENT under a carousel',
  ({ display_mode }) => display_mode !== 'PERSISTENT',
);

const card = holds(
  object<CardMessage>({
    title: optional(anyText(MAX_TITLE)),
    description: optional(anyText(MAX_TEXT)),
    media_message: optional(media),
    choices: optional(list(choice, 0, MAX_CHOICES)),
    height: optional(oneOf('UNSPECIFIED_HEIGHT', 'SHORT', 'MEDIUM', 'TALL')),
  }),
  'isNotEmpty',
  'must have a title, a description, media or choices',
  ({ title, description, media_message, choices }) =>
    Boolean(title?.trim() || description?.trim() || media_message || choices?.length),
);

const choiceItem = object<NonNullable<ListItem['choice']>>({
  title,
  description: optional(anyText(MAX_TEXT)),
  media: optional(media),
  postback_data: optional(anyText(MAX_TEXT)),
});
const product = object<ProductItem>({
  id: text(MAX_NAME),
  marketplace: text(MAX_NAME),
  quantity: optional(holds(amount, 'isInt', 'must be a whole number', Number.isInteger)),
  item_price: optional(amount),
  currency: optional(currency),
});
const section = object<ListSection>({
  title: optional(anyText(MAX_TITLE)),
  items: holds(
    list(
      exactlyOne<ListItem>(
        ['choice', 'product'],
        object<ListItem>({ choice: optional(choiceItem), product: optional(product) }),
      ),
      1,
      MAX_ENTRIES,
    ),
    'sameKind',
    'must be all choices or all products',
    (items) => items.every(({ choice }) => (choice === undefined) === (items[0]?.choice === undefined)),
  ),
});
const listMessage = holds(
  object<ListMessage>({
    title,
    description: optional(anyText(MAX_TEXT)),
    media: optional(media),
    sections: list(section, 1, MAX_ENTRIES),
    message_properties: optional(
      object<NonNullable<ListMessage['message_properties']>>({
        catalog_id: name,
        menu: optional(anyText(MAX_TITLE)),
      }),
    ),
  }),
  'catalogId',
  'must have message_properties.catalog_id, because it has products',
  ({ sections, message_properties }) =>
    Boolean(message_properties?.catalog_id) || !sections.some(({ items }) => items[0]?.product),
);

const contactInfo = object<ContactInfoMessage>({
  name: object<ContactInfoMessage['name']>({
    full_name: text(MAX_NAME),
    first_name: name,
    last_name: name,
    middle_name: name,
    prefix: name,
    suffix: name,
  }),
  phone_numbers: list(
    object<ContactInfoMessage['phone_numbers'][number]>({ phone_number: phoneNumber, type: name }),
    1,
    MAX_CONTACT_ENTRIES,
  ),
  addresses: optional(
    list(
      object<NonNullable<ContactInfoMessage['addresses']>[number]>({
        city: name,
        country: name,
        state: name,
        street: name,
        zip: name,
        type: name,
        country_code: optional(countryCode),
      }),
      0,
      MAX_CONTACT_ENTRIES,
    ),
  ),
  email_addresses: optional(
    list(
      object<NonNullable<ContactInfoMessage['email_addresses']>[number]>({
        email_address: emailAddress,
        type: name,
      }),
      0,
      MAX_CONTACT_ENTRIES,
    ),
  ),
  organization: optional(
    object<NonNullable<ContactInfoMessage['organization']>>({ company: name, department: name, title: name }),
  ),
  urls: optional(
    list(
      object<NonNullable<ContactInfoMessage['urls']>[number]>({ url, type: name }),
      0,
      MAX_CONTACT_ENTRIES,
    ),
  ),
  birthday: optional(date),
});

export const templateReference = object<TemplateReference>({
  template_id: text(MAX_NAME),
  version: name,
  language_code: name,
  parameters: optional(map(PARAMETER, anyText(MAX_TEXT), MAX_PARAMETERS)),
});
const templateMessage = holds(
  object<TemplateMessage>({
    omni_template: optional(templateReference),
    channel_template: optional(map(CHANNEL, templateReference, MAX_CHANNELS)),
  }),
  'atLeastOne',
  'must have omni_template, channel_template or both',
  ({ omni_template, channel_template }) =>
    omni_template !== undefined || Object.keys(channel_template ?? {}).length > 0,
);

const templateContent: Rule<TemplateContent> = exactlyOne<TemplateContent>(
  [
    'text_message',
    'media_message',
    'card_message',
    'carousel_message',
    'choice_message',
    'list_message',
    'location_message',
    'contact_info_message',
    'template_message',
  ],
  object<TemplateContent>({
    text_message: optional(textMessage),
    media_message: optional(media),
    card_message: optional(card),
    carousel_message: optional(
      object<NonNullable<GenericContent['carousel_message']>>({
        cards: list(card, 1, MAX_CARDS),
        choices: optional(list(outerChoice, 0, MAX_OUTER_CHOICES)),
      }),
    ),
    choice_message: optional(
      object<NonNullable<GenericContent['choice_message']>>({
        text_message: optional(textMessage),
        choices: list(choice, 1, MAX_CHOICES),
      }),
    ),
    list_message: optional(listMessage),
    location_message: optional(location),
    contact_info_message: optional(contactInfo),
    template_message: optional(templateMessage),
  }),
);

/**
 * Reads what a template says, in the Conversation API's own JSON.
 * @param placeholders whether `${…}` may stand in for a text that has a form, such as a URL.
 * @throws DomainError INVALID_ARGUMENT
 */
export function templateContentOf(value: unknown, path: string, placeholders: boolean): TemplateContent {
  return check(templateContent, value, path, { placeholders });
}
