import type { AppMessage, Choice, GenericContent } from '../content/app-message.js';

/**
 * Fills in what comes back when a choice, or an entry of a list, is picked: `{message_id}_{text or title}` unless the caller gave
 * something else.
 */
export function withPostbackData(message: AppMessage, messageId: string): AppMessage {
  const { explicit_channel_omni_message: overrides } = message;
  return {
    ...filled(message, messageId),
    ...(overrides
      ? {
          explicit_channel_omni_message: Object.fromEntries(
            Object.entries(overrides).map(([channel, content]) => [
              channel,
              content && filled(content, messageId),
            ]),
          ),
        }
      : {}),
  };
}

function filled<T extends GenericContent>(content: T, messageId: string): T {
  const { choice_message, card_message, carousel_message, list_message } = content;
  const withData = <P extends { postback_data?: string }>(picked: P, label: string): P => ({
    ...picked,
    postback_data: picked.postback_data ?? `${messageId}_${label}`,
  });
  const offering = <C extends { choices?: Choice[] }>(offer: C): C => ({
    ...offer,
    ...(offer.choices ? { choices: offer.choices.map((choice) => withData(choice, labelOf(choice))) } : {}),
  });
  return {
    ...content,
    ...(choice_message ? { choice_message: offering(choice_message) } : {}),
    ...(card_message ? { card_message: offering(card_message) } : {}),
    ...(carousel_message
      ? { carousel_message: { ...offering(carousel_message), cards: carousel_message.cards.map(offering) } }
      : {}),
    ...(list_message
      ? {
          list_message: {
            ...list_message,
            sections: list_message.sections.map((section) => ({
              ...section,
              items: section.items.map((item) =>
                item.choice ? { choice: withData(item.choice, item.choice.title) } : item,
              ),
            })),
          },
        }
      : {}),
  };
}

function labelOf(choice: Choice): string {
  return (
    choice.text_message?.text ??
    choice.url_message?.title ??
    choice.call_message?.title ??
    choice.location_message?.title ??
    choice.calendar_message?.title ??
    choice.share_location_message?.title ??
    ''
  );
}
