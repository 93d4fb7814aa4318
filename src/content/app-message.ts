/**
 * What an app says, in the Conversation API's own JSON: stored, sent to webhooks and given back as it is. At most one of the
 * generic contents; none where an override covers every channel that is tried.
 * Source: Conversation API, AppMessage.
 */
export interface AppMessage extends GenericContent {
  template_message?: TemplateMessage;
  /** Channel to a raw payload of it as JSON text; goes before everything else on that channel. */
  explicit_channel_message?: ByChannel<string>;
  /** Channel to what only that channel has; its plug-in knows the types. Goes before the generic content. */
  channel_specific_message?: ByChannel<ChannelSpecificMessage>;
  /** Channel to another generic content, said there instead. */
  explicit_channel_omni_message?: ByChannel<OmniMessageOverride>;
  agent?: Agent;
  /** Ours; quoted where the channel can. */
  reply_to?: { message_id: string };
}

/** Channel names are keys. */
export type ByChannel<T> = Partial<Record<string, T>>;

/** Exactly one of the fields. */
export interface GenericContent {
  text_message?: TextMessage;
  media_message?: MediaMessage;
  card_message?: CardMessage;
  carousel_message?: CarouselMessage;
  choice_message?: ChoiceMessage;
  list_message?: ListMessage;
  location_message?: LocationMessage;
  contact_info_message?: ContactInfoMessage;
}

/** Exactly one of the fields. */
export interface OmniMessageOverride extends GenericContent {
  template_reference?: TemplateReference;
}

export interface ChannelSpecificMessage {
  /** One of the channel's own, e.g. RECEIPT on MESSENGER. */
  message_type: string;
  message: Record<string, unknown>;
}

export interface TextMessage {
  text: string;
}

/** The kind (image, audio, video, file) is told by the address or the name. */
export interface MediaMessage {
  url: string;
  thumbnail_url?: string;
  filename_override?: string;
}

export interface Coordinates {
  latitude: number;
  longitude: number;
}

export interface LocationMessage {
  title: string;
  /** Name or address of the place. */
  label?: string;
  coordinates: Coordinates;
}

export interface ChoiceMessage {
  text_message?: TextMessage;
  /** 1 to 10. */
  choices: Choice[];
}

/** Exactly one of the `*_message` fields. `postback_data` comes back when the person picks it. `display_mode` is for RCS. */
export interface Choice {
  text_message?: TextMessage;
  url_message?: { title: string; url: string };
  call_message?: { title: string; phone_number: string };
  location_message?: LocationMessage;
  calendar_message?: CalendarMessage;
  share_location_message?: { title: string; fallback_url: string };
  postback_data?: string;
  display_mode?: 'DISPLAY_MODE_UNSPECIFIED' | 'PERSISTENT';
}

/** Times are ISO 8601. */
export interface CalendarMessage {
  title: string;
  event_start: string;
  event_end: string;
  event_title: string;
  event_description?: string;
  fallback_url: string;
}

export interface CardMessage {
  title?: string;
  description?: string;
  media_message?: MediaMessage;
  /** At most 10. */
  choices?: Choice[];
  height?: 'UNSPECIFIED_HEIGHT' | 'SHORT' | 'MEDIUM' | 'TALL';
}

export interface CarouselMessage {
  /** 1 to 10. */
  cards: CardMessage[];
  /** Under all the cards; at most 3. */
  choices?: Choice[];
}

export interface ListMessage {
  title: string;
  description?: string;
  media?: MediaMessage;
  sections: ListSection[];
  message_properties?: {
    /** Required with products. */
    catalog_id?: string;
    /** Label of the button that opens a list of choices, where a channel hides it behind one. */
    menu?: string;
  };
}

/** Items are all choices or all products. */
export interface ListSection {
  title?: string;
  items: ListItem[];
}

/** Exactly one of the fields. */
export interface ListItem {
  choice?: { title: string; description?: string; media?: MediaMessage; postback_data?: string };
  product?: ProductItem;
}

export interface ProductItem {
  id: string;
  /** E.g. FACEBOOK. */
  marketplace: string;
  quantity?: number;
  item_price?: number;
  currency?: string;
}

/** At least one of the fields; `channel_template` goes before on its channel. */
export interface TemplateMessage {
  omni_template?: TemplateReference;
  channel_template?: ByChannel<TemplateReference>;
}

export interface TemplateReference {
  template_id: string;
  /** `latest`, or one of its versions. */
  version?: string;
  /** BCP 47; the template's default when left out. */
  language_code?: string;
  parameters?: Record<string, string>;
}

export interface ContactInfoMessage {
  name: {
    full_name: string;
    first_name?: string;
    last_name?: string;
    middle_name?: string;
    prefix?: string;
    suffix?: string;
  };
  /** At least one. */
  phone_numbers: { phone_number: string; type?: string }[];
  addresses?: {
    city?: string;
    country?: string;
    state?: string;
    street?: string;
    zip?: string;
    type?: string;
    country_code?: string;
  }[];
  email_addresses?: { email_address: string; type?: string }[];
  organization?: { company?: string; department?: string; title?: string };
  urls?: { url: string; type?: string }[];
  /** YYYY-MM-DD. */
  birthday?: string;
}

export interface Agent {
  display_name?: string;
  type: 'HUMAN' | 'BOT' | 'UNKNOWN_AGENT_TYPE';
  picture_url?: string;
}
