import type { ChannelPayload } from '../../channels/channel.js';

/** Media of a customer's, to be saved with Meta. */
export interface MediaSource {
  type: 'image' | 'video';
  url: string;
}

type Json = Record<string, unknown>;

/** The one place that a media template may show by URL. */
export function isFacebookUrl(url: string): boolean {
  return /(^|\.)(facebook|fb)\.com$/.test(URL.parse(url)?.hostname ?? '');
}

/**
 * The payload as Meta takes it: media templates show saved attachments, so each of their own URLs that is not Facebook's is
 * exchanged for what `resolve` saves it as. The given payload stays as it is; without such a URL it is the answer itself.
 * Source: messenger-platform/send-messages/template/media.
 */
export async function withAttachments(
  payload: ChannelPayload,
  resolve: (source: MediaSource) => Promise<string>,
): Promise<ChannelPayload> {
  const message = objectIn(payload.message);
  const attachment = objectIn(message?.attachment);
  const template = objectIn(attachment?.payload);
  if (attachment?.type !== 'template' || template?.template_type !== 'media') return payload;
  const elements: unknown[] = Array.isArray(template.elements) ? template.elements : [];
  if (!elements.some(sourceOf)) return payload;
  const saved = await Promise.all(
    elements.map(async (element) => {
      const source = sourceOf(element);
      if (!source) return element;
      const { url: _replaced, ...rest } = element as Json;
      return { ...rest, attachment_id: await resolve(source) };
    }),
  );
  return {
    ...payload,
    message: { ...message, attachment: { ...attachment, payload: { ...template, elements: saved } } },
  };
}

function sourceOf(element: unknown): MediaSource | null {
  const { media_type: type, url, attachment_id: saved } = objectIn(element) ?? {};
  if ((type !== 'image' && type !== 'video') || typeof url !== 'string' || saved !== undefined) return null;
  return isFacebookUrl(url) ? null : { type, url };
}

function objectIn(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
