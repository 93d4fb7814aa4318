import { refused } from './refused.js';

/** @throws DomainError INVALID_ARGUMENT naming `field` when the text is not an http(s) address. */
export function webUrl(text: string, field: string): URL {
  const url = URL.parse(text);
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw refused(field, 'url', 'Messenger opens and fetches http and https URLs only');
  }
  return url;
}
