const LONGEST = 120;
/** Of a name that is not cleaned yet. */
const READ = 1_000;

/** A name for media: by the server's `Content-Disposition`, else by the address; `media` when neither gives one. */
export function nameOf(url: string, disposition: string | undefined): string {
  return cleaned(named(disposition)) || cleaned(lastSegment(url)) || 'media';
}

/** Value of `Content-Disposition`. Source: RFC 6266, RFC 8187. */
export function dispositionOf(type: 'inline' | 'attachment', name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*!]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${type}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

/** Without what separates folders, controls a terminal or turns the direction of a text around. */
function cleaned(name: string): string {
  const flat = name
    .slice(0, READ)
    .toWellFormed()
    .replace(/[\p{C}\p{Zl}\p{Zp}/\\:\ufffd]/gu, '')
    .replace(/^[.\s]+|[.\s]+$/g, '');
  const points = [...flat];
  if (points.length <= LONGEST) return flat;
  const extension = /\.[A-Za-z0-9]{1,8}$/.exec(flat)?.[0] ?? '';
  return points.slice(0, LONGEST - extension.length).join('') + extension;
}

function named(disposition = ''): string {
  const extended = /filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(disposition)?.[1];
  if (extended !== undefined) return decoded(extended);
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition);
  return plain?.[1]?.replace(/\\(.)/g, '$1') ?? plain?.[2] ?? '';
}

function lastSegment(url: string): string {
  return decoded(new URL(url).pathname.split('/').at(-1) ?? '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
