import type {
  AppMessage,
  CardMessage,
  Choice,
  ContactInfoMessage,
  GenericContent,
  ListItem,
  ListMessage,
  LocationMessage,
  MediaMessage,
  OmniMessageOverride,
  TemplateReference,
  TextMessage,
} from './app-message.js';
import type { ContactMessage } from './contact-message.js';

/** Tells the texts of a part of a message. */
type Part<T> = (value: T, tell: (text: string) => void) => void;

/** Keys of a channel's own payload under which people see text. */
const SEEN_KEYS = new Set(['text', 'title', 'subtitle', 'caption', 'description', 'body']);
const MAX_DEPTH = 12;

const text: Part<string> = (value, tell) => tell(value);
/** Addresses, ids, numbers: nobody reads them as text. */
const unseen: Part<unknown> = () => undefined;

/** Every field of the model has to be named, so that one which is added to it does not compile until it is decided whether it is read. */
function fields<T extends object>(parts: { [K in keyof T]-?: Part<NonNullable<T[K]>> }): Part<T> {
  const named = Object.entries(parts) as [keyof T, Part<unknown>][];
  return (value, tell) => {
    for (const [name, part] of named) if (value[name] != null) part(value[name], tell);
  };
}

function each<T>(part: Part<T>): Part<T[]> {
  return (values, tell) => values.forEach((value) => part(value, tell));
}

function valuesOf<T>(part: Part<T>): Part<Partial<Record<string, T>>> {
  return (values, tell) => {
    for (const value of Object.values(values)) if (value !== undefined) part(value, tell);
  };
}

/** What a channel's own payload shows, as far as its keys tell. */
const seen: Part<unknown> = (payload, tell) => {
  const walk = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return;
    for (const [key, inner] of Object.entries(value)) {
      if (typeof inner === 'string' && SEEN_KEYS.has(key)) tell(inner);
      else walk(inner, depth + 1);
    }
  };
  walk(payload, 0);
};

const json: Part<string> = (payload, tell) => {
  try {
    seen(JSON.parse(payload), tell);
  } catch {
    // A payload that is no JSON shows nothing.
  }
};

const said = fields<TextMessage>({ text });
const media = fields<MediaMessage>({ url: unseen, thumbnail_url: unseen, filename_override: text });
const location = fields<LocationMessage>({ title: text, label: text, coordinates: unseen });

const choice = fields<Choice>({
  text_message: said,
  url_message: fields<NonNullable<Choice['url_message']>>({ title: text, url: unseen }),
  call_message: fields<NonNullable<Choice['call_message']>>({ title: text, phone_number: text }),
  location_message: location,
  calendar_message: fields<NonNullable<Choice['calendar_message']>>({
    title: text,
    event_start: unseen,
    event_end: unseen,
    event_title: text,
    event_description: text,
    fallback_url: unseen,
  }),
  share_location_message: fields<NonNullable<Choice['share_location_message']>>({
    title: text,
    fallback_url: unseen,
  }),
  postback_data: unseen,
  display_mode: unseen,
});

const card = fields<CardMessage>({
  title: text,
  description: text,
  media_message: media,
  choices: each(choice),
  height: unseen,
});

const list = fields<ListMessage>({
  title: text,
  description: text,
  media,
  sections: each(
    fields<ListMessage['sections'][number]>({
      title: text,
      items: each(
        fields<ListItem>({
          choice: fields<NonNullable<ListItem['choice']>>({
            title: text,
            description: text,
            media,
            postback_data: unseen,
          }),
          product: unseen,
        }),
      ),
    }),
  ),
  message_properties: fields<NonNullable<ListMessage['message_properties']>>({
    catalog_id: unseen,
    menu: text,
  }),
});

const contactInfo = fields<ContactInfoMessage>({
  name: fields<ContactInfoMessage['name']>({
    full_name: text,
    first_name: text,
    last_name: text,
    middle_name: text,
    prefix: text,
    suffix: text,
  }),
  phone_numbers: each(
    fields<ContactInfoMessage['phone_numbers'][number]>({ phone_number: text, type: unseen }),
  ),
  addresses: each(
    fields<NonNullable<ContactInfoMessage['addresses']>[number]>({
      city: text,
      country: text,
      state: text,
      street: text,
      zip: text,
      type: unseen,
      country_code: unseen,
    }),
  ),
  email_addresses: each(
    fields<NonNullable<ContactInfoMessage['email_addresses']>[number]>({ email_address: text, type: unseen }),
  ),
  organization: fields<NonNullable<ContactInfoMessage['organization']>>({
    company: text,
    department: text,
    title: text,
  }),
  urls: each(fields<NonNullable<ContactInfoMessage['urls']>[number]>({ url: text, type: unseen })),
  birthday: unseen,
});

/** What is filled into a template is seen; the template's own text is not known here. */
const template = fields<TemplateReference>({
  template_id: unseen,
  version: unseen,
  language_code: unseen,
  parameters: valuesOf(text),
});

const generic: { [K in keyof GenericContent]-?: Part<NonNullable<GenericContent[K]>> } = {
  text_message: said,
  media_message: media,
  card_message: card,
  carousel_message: fields<NonNullable<GenericContent['carousel_message']>>({
    cards: each(card),
    choices: each(choice),
  }),
  choice_message: fields<NonNullable<GenericContent['choice_message']>>({
    text_message: said,
    choices: each(choice),
  }),
  list_message: list,
  location_message: location,
  contact_info_message: contactInfo,
};

const message = fields<AppMessage & ContactMessage>({
  ...generic,
  template_message: fields<NonNullable<AppMessage['template_message']>>({
    omni_template: template,
    channel_template: valuesOf(template),
  }),
  explicit_channel_message: valuesOf(json),
  channel_specific_message: valuesOf(
    fields<NonNullable<NonNullable<AppMessage['channel_specific_message']>[string]>>({
      message_type: unseen,
      message: seen,
    }),
  ),
  explicit_channel_omni_message: valuesOf(
    fields<OmniMessageOverride>({ ...generic, template_reference: template }),
  ),
  agent: unseen,
  reply_to: unseen,
  media_card_message: fields<NonNullable<ContactMessage['media_card_message']>>({
    url: unseen,
    caption: text,
  }),
  choice_response_message: unseen,
  product_response_message: fields<NonNullable<ContactMessage['product_response_message']>>({
    products: unseen,
    title: text,
    catalog_id: unseen,
  }),
  fallback_message: unseen,
});

/**
 * Every text of a message that a person sees, on whichever channel; `channelData` knows the title of a choice that was picked. In no
 * order that means anything.
 */
export function textsOf(
  content: AppMessage | ContactMessage,
  channelData?: Record<string, unknown> | null,
): string[] {
  const texts: string[] = [];
  message(content, (told) => texts.push(told));
  const picked = 'choice_response_message' in content ? content.choice_response_message : undefined;
  // Where the channel told no title, it is the data, or there is nothing else to be seen.
  if (picked) texts.push(typeof channelData?.title === 'string' ? channelData.title : picked.postback_data);
  return texts;
}
