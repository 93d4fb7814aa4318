/**
 * What an app says, in the Conversation API's own JSON: stored, sent to webhooks and given back as it is.
 * Source: Conversation API, AppMessage.
 */
export interface AppMessage {
  text_message?: TextMessage;
  media_message?: MediaMessage;
  choice_message?: ChoiceMessage;
  /** Raw payload of a channel, as JSON text: what was typed in another of the channel's own tools has no generic form. */
  explicit_channel_message?: Record<string, string>;
  agent?: Agent;
}

export interface TextMessage {
  text: string;
}

export interface MediaMessage {
  url: string;
  thumbnail_url?: string;
  filename_override?: string;
}

export interface Coordinates {
  latitude: number;
  longitude: number;
}

export interface ChoiceMessage {
  text_message?: TextMessage;
  choices: Choice[];
}

/** Exactly one of the `*_message` fields. `postback_data` comes back when the person picks it. */
export interface Choice {
  text_message?: TextMessage;
  url_message?: { title: string; url: string };
  call_message?: { title: string; phone_number: string };
  location_message?: { title: string; label?: string; coordinates: Coordinates };
  postback_data?: string;
}

export interface Agent {
  display_name?: string;
  type: 'HUMAN' | 'BOT' | 'UNKNOWN_AGENT_TYPE';
  picture_url?: string;
}
