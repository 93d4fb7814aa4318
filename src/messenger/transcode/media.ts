import type { TranscodeNote } from '../../channels/channel.js';
import type { MediaMessage } from '../../content/app-message.js';
import { leftOut, type Rendering, type Said } from './rendering.js';
import { webUrl } from './web-url.js';

type AttachmentType = 'image' | 'video' | 'audio' | 'file';

/** Source: messenger-platform/send-messages/saving-assets. */
const EXTENSIONS: Record<AttachmentType, string[]> = {
  image: ['jpg', 'jpeg', 'jpe', 'jfif', 'png', 'gif', 'webp'],
  video: ['mp4', 'm4v', 'mov', 'qt', 'webm', 'avi', 'mkv', 'mpg', 'mpeg', 'ogv', '3gp', '3g2', 'wmv', 'flv'],
  audio: ['mp3', 'm4a', 'aac', 'ogg', 'oga', 'opus', 'wav', 'weba', 'amr', 'flac', 'wma'],
  file: [
    ...['pdf', 'txt', 'csv', 'tsv', 'rtf', 'doc', 'docx', 'odt', 'xls', 'xlsx', 'ods', 'ppt', 'pptx', 'odp'],
    ...[
      'zip',
      'gz',
      'tar',
      'rar',
      '7z',
      'json',
      'xml',
      'ics',
      'vcf',
      'epub',
      'svg',
      'psd',
      'bmp',
      'tif',
      'tiff',
    ],
  ],
};

const TYPES = new Map(
  (Object.keys(EXTENSIONS) as AttachmentType[]).flatMap((type) =>
    EXTENSIONS[type].map((extension) => [extension, type] as const),
  ),
);

/** Where object stores sign the content type of a download into its address (S3 and GCS, Azure). */
const CONTENT_TYPE = /[?&](?:response-content-type|rsct)=(image|video|audio)(?:\/|%2F)(?!svg|bmp|tiff)/i;

export interface ReadMedia {
  url: string;
  /** Undefined when neither name, address nor content type tell. */
  type: AttachmentType | undefined;
  notes: TranscodeNote[];
}

/** An attachment by URL, which Meta fetches. */
export function renderMedia(media: MediaMessage, path: string): Rendering {
  const read = readMedia(media, path);
  return { messages: [attachment(read)], notes: read.notes };
}

/** The type follows the extension of the given file name, else that of the URL, else the content type in its query. */
export function readMedia(media: MediaMessage, path: string): ReadMedia {
  const { pathname, search } = webUrl(media.url, `message.${path}.url`);
  const extension = extensionOf(media.filename_override ?? '') ?? extensionOf(pathname) ?? '';
  const type = TYPES.get(extension) ?? (CONTENT_TYPE.exec(search)?.[1]?.toLowerCase() as AttachmentType);
  return { url: media.url, type, notes: notesOf(media, path) };
}

export function attachment({ url, type }: ReadMedia): Said {
  // `is_reusable` stays away: Meta advises against saving an asset while sending it.
  return { attachment: { type: type ?? 'file', payload: { url } } };
}

function extensionOf(name: string): string | undefined {
  return /\.([a-z0-9]{1,8})$/i.exec(name)?.[1]?.toLowerCase();
}

function notesOf(media: MediaMessage, path: string): TranscodeNote[] {
  const notes: TranscodeNote[] = [];
  if (media.thumbnail_url) {
    const rule = 'media has no thumbnail of its own; Messenger makes the preview';
    notes.push(leftOut(`${path}.thumbnail_url`, rule, media.thumbnail_url));
  }
  if (media.filename_override) {
    notes.push({
      field: `${path}.filename_override`,
      rule: 'media takes its name from the URL',
      action: `used only to find the type of the media: ${media.filename_override}`,
    });
  }
  return notes;
}
