import { idOf } from './fields.js';

/** Messenger's own thumb, in its three sizes: the most sent of all stickers. */
const THUMBS = new Set(['369239263222822', '369239343222814', '369239383222810']);

/** The sign that a sticker stands for; empty for those that are pictures only. */
export function stickerText(stickerId: unknown): string {
  return THUMBS.has(idOf(stickerId) ?? '') ? '👍' : '';
}
