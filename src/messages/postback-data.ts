import type { AppMessage, Choice } from '../content/app-message.js';

/** Fills in what comes back when a choice is picked: `{message_id}_{text or title}` unless the caller gave something else. */
export function withPostbackData(message: AppMessage, messageId: string): AppMessage {
  if (!message.choice_message) return message;
  const choices = message.choice_message.choices.map((choice) => ({
    ...choice,
    postback_data: choice.postback_data ?? `${messageId}_${labelOf(choice)}`,
  }));
  return { ...message, choice_message: { ...message.choice_message, choices } };
}

function labelOf(choice: Choice): string {
  return (
    choice.text_message?.text ??
    choice.url_message?.title ??
    choice.call_message?.title ??
    choice.location_message?.title ??
    ''
  );
}
