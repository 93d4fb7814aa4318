/** What goes out with a payload and comes back in the channel's echo: which message, which of its payloads. */
export function referenceOf(messageId: string, part: number): string {
  return `${messageId}:${part}`;
}

export function parseReference(reference: string | undefined): { messageId?: string; part?: number } {
  const match = /^([0-9A-HJKMNP-TV-Z]{26}):(\d{1,3})$/.exec(reference ?? '');
  return match ? { messageId: match[1], part: Number(match[2]) } : {};
}
