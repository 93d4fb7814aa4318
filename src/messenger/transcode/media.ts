import type { TranscodeNote } from '../../channels/channel.js';
import type { MediaMessage } from '../../content/app-message.js';
import type { Rendering } from './rendering.js';
import { webUrl } from './web-url.js';

type AttachmentType = 'image' | 'video' | 'audio' | 'file';

/** Source: messenger-platform/send-messages/saving-assets. */
const EXTENSIONS: Record<Exclude<AttachmentType, 'file'>, string[]> = {
  image: ['jpg', 'jpeg', 'jpe', 'png', 'gif', 'webp'],
  video: ['mp4', 'm4v', 'mov', 'qt', 'webm', 'avi', 'mkv', 'mpg', 'mpeg', 'ogv', '3gp', '3g2', 'wmv', 'flv'],
  audio: ['mp3', 'm4a', 'aac', 'ogg', 'oga', 'opus', 'wav', 'weba', 'amr', 'flac', 'wma'],
};

/** An attachment by URL, which Meta fetches; its type follows the extension of the given file name or of the URL. */
export function renderMedia(media: MediaMessage): Rendering {
  const url = webUrl(media.url, 'message.media_message.url');
  const extension = extensionOf(media.filename_override ?? '') ?? extensionOf(url.pathname) ?? '';
  return {
    // `is_reusable` stays away: Meta advises against saving an asset while sending it.
    messages: [{ attachment: { type: typeOf(extension), payload: { url: media.url } } }],
    notes: notesOf(media),
  };
}

function typeOf(extension: string): AttachmentType {
  for (const type of ['image', 'video', 'audio'] as const) {
    if (EXTENSIONS[type].includes(extension)) return type;
  }
  return 'file';
}

function extensionOf(name: string): string | undefined {
  return /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase();
}

function notesOf(media: MediaMessage): TranscodeNote[] {
  const notes: TranscodeNote[] = [];
  if (media.thumbnail_url) {
    notes.push({
      field: 'media_message.thumbnail_url',
      rule: 'an attachment has no thumbnail of its own',
      action: 'left out; Messenger makes the preview',
    });
  }
  if (media.filename_override) {
    notes.push({
      field: 'media_message.filename_override',
      rule: 'an attachment takes its name from the URL',
      action: 'used only to find the type of the attachment',
    });
  }
  return notes;
}
