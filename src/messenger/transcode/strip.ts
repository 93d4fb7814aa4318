import type { TranscodeNote } from '../../channels/channel.js';
import { cardAlone } from './card.js';
import { LIMITS } from './limits.js';
import { attachment } from './media.js';
import type { Option } from './option.js';
import { cutNotes, elementOf, fitsElement, isEmpty, notImage, untold, type ReadCard } from './read-card.js';
import { leftOut, template, type Said } from './rendering.js';
import { texts } from './text.js';

/**
 * Cards side by side: generic templates of up to 10 elements, in order. A card with more than 3 options stands there again for
 * every 3 of them. What an element cannot show goes before its template: video, audio and files, then a text with what was cut.
 * A card that can be no element, for want of a title or of anything beside it, stands alone between two templates.
 */
export class Strip {
  readonly messages: Said[] = [];
  readonly notes: TranscodeNote[] = [];
  private attachments: Said[] = [];
  private told: string[] = [];
  private elements: object[] = [];

  add(given: ReadCard): void {
    if (isEmpty(given)) {
      this.notes.push(leftOut(given.path, 'a card shows something', 'the card is empty'));
      return;
    }
    const { media } = given;
    const other = media !== null && notImage(media) ? media : null;
    const card = this.titled(other ? { ...given, media: null } : given);
    if (!fitsElement(card)) {
      this.end();
      const { messages, notes } = cardAlone(given, false);
      this.messages.push(...messages);
      this.notes.push(...notes);
      return;
    }
    this.addElements(card, other ? attachment(other) : null);
    if (other) {
      const action = `sent before the cards, as ${other.type}`;
      this.notes.push({ field: `${card.path}.media_message`, rule: 'a card shows images only', action });
    }
  }

  /** Ends the template that is being filled. */
  end(): void {
    this.messages.push(...this.attachments);
    if (this.told.length > 0) this.messages.push(...texts(this.told.join('\n\n'), '').messages);
    if (this.elements.length > 0) {
      this.messages.push(template({ template_type: 'generic', elements: this.elements }));
    }
    this.attachments = [];
    this.told = [];
    this.elements = [];
  }

  private titled(card: ReadCard): ReadCard {
    const { path, title, description, media, options } = card;
    if (title !== '' || description === '' || (media === null && options.length === 0)) return card;
    const rule = 'a card has a title';
    this.notes.push({ field: `${path}.description`, rule, action: 'sent as the title' });
    return { ...card, title: description, description: '' };
  }

  private addElements(card: ReadCard, before: Said | null): void {
    const { path, options } = card;
    this.notes.push(...cutNotes(card));
    const groups: Option[][] = [];
    for (let first = 0; first < options.length; first += LIMITS.buttons) {
      groups.push(options.slice(first, first + LIMITS.buttons));
    }
    if (groups.length > 1) {
      const rule = `a card has at most ${LIMITS.buttons} buttons`;
      const action = `the card stands there ${groups.length} times, each time with more of them`;
      this.notes.push({ field: `${path}.choices`, rule, action });
    }
    // With its first element, as the rest may be in the next template.
    const told = untold(card, options);
    for (const [index, group] of groups.length === 0 ? [[0, []] as const] : groups.entries()) {
      if (this.elements.length === LIMITS.elements) this.end();
      if (index === 0 && before) this.attachments.push(before);
      if (index === 0 && told !== '') this.told.push(told);
      this.elements.push(elementOf(card, [...group]));
    }
  }
}
