/** A link to media in the content of a message. */
export interface MediaPlace {
  /** Keys from the content down to the link, as Postgres takes them: places in a list are texts too. */
  path: string[];
  url: string;
}

/** What holds media in the Conversation API's JSON: MediaMessage and MediaCardMessage. */
const HOLDERS = new Set(['media_message', 'media_card_message', 'media']);
const LINKS = ['url', 'thumbnail_url'];

/** Every link to media in stored content, thumbnails and those inside cards and lists included, in the order of the content. */
export function mediaOf(content: unknown): MediaPlace[] {
  const places: MediaPlace[] = [];
  collect(content, [], places);
  return places;
}

function collect(value: unknown, path: string[], places: MediaPlace[]): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    if (!HOLDERS.has(key)) collect(child, [...path, key], places);
    else if (typeof child === 'object' && child !== null)
      for (const link of LINKS) {
        const url: unknown = (child as Record<string, unknown>)[link];
        if (typeof url === 'string' && /^https?:\/\//i.test(url))
          places.push({ path: [...path, key, link], url });
      }
  }
}
