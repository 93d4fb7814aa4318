import { fileTypeFromBuffer } from 'file-type';

/** Bytes that tell the type; what the library asks for. */
export const SNIFFED_BYTES = 4_100;
const UNKNOWN = 'application/octet-stream';

/**
 * What a browser may show by itself: pictures, sound and film that cannot hold scripts, and whose first bytes give them away. Types in
 * one list share a container, so that their first bytes cannot tell them apart.
 */
const SHOWN = [
  ['image/png'],
  ['image/apng'],
  ['image/jpeg'],
  ['image/gif'],
  ['image/webp'],
  ['image/avif'],
  ['image/heic', 'image/heif'],
  ['image/bmp'],
  ['video/mp4', 'audio/mp4', 'audio/x-m4a', 'video/x-m4v', 'video/quicktime', 'video/3gpp', 'audio/3gpp'],
  ['video/webm', 'audio/webm', 'video/matroska'],
  ['audio/ogg', 'video/ogg'],
  ['audio/mpeg'],
  ['audio/aac'],
  ['audio/amr'],
  ['audio/wav'],
  ['audio/flac'],
];
const KIN = new Map(SHOWN.flatMap((types) => types.map((type) => [type, new Set(types)])));

/** Whether a browser may show it in place. Never SVG or HTML, which run scripts. */
export function isShown(contentType: string): boolean {
  return KIN.has(contentType);
}

/**
 * The type of media, by its first bytes; the server's word counts where they cannot tell, but never makes of something else what a
 * browser shows.
 * @param declared the `Content-Type` of the answer
 */
export async function typeOf(head: Uint8Array, declared: string | undefined): Promise<string> {
  const said = essenceOf(declared);
  const sniffed = essenceOf((await fileTypeFromBuffer(head))?.mime);
  if (sniffed !== null && isShown(sniffed))
    return said !== null && KIN.get(sniffed)?.has(said) ? said : sniffed;
  return said !== null && !isShown(said) ? said : (sniffed ?? UNKNOWN);
}

/** Type and subtype without parameters; null when there is none. */
function essenceOf(contentType: string | undefined): string | null {
  const essence = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/.test(essence) ? essence : null;
}
