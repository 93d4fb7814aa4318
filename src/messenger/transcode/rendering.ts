import type { TranscodeNote } from '../../channels/channel.js';

/** A generic content in Messenger's words: `message` objects of the Send API, in order, and what was changed. */
export interface Rendering {
  messages: Record<string, unknown>[];
  notes: TranscodeNote[];
}
