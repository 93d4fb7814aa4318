/** A row: an entity, or its snapshot in the log, whose times are text. */
export type Row = Readonly<Record<string, unknown>>;

export const NEVER = '1970-01-01T00:00:00Z';

export function textOf(row: Row, key: string): string {
  const value = row[key];
  return typeof value === 'string' ? value : '';
}

/** RFC 3339 in UTC; a zero fraction is left out. */
export function wireTime(time: unknown): string {
  return new Date(time as Date | string).toISOString().replace('.000Z', 'Z');
}

/** Who was spoken with: on channels whose identities are those of an app, with it. */
export function identityWire(row: Row): Record<string, unknown> {
  return { channel: row.channel, identity: row.identity, app_id: textOf(row, 'appId') };
}

/** In which mode something was exchanged. What says nothing of it is as the app is set. */
export function modeOf(row: Row, processingMode: string): string {
  if (typeof row.dispatch !== 'boolean') return processingMode;
  return row.dispatch ? 'DISPATCH' : 'CONVERSATION';
}

/** Contacts and conversations exist in CONVERSATION mode only. */
export function placeWire(row: Row, processingMode: string): { conversation_id: string; contact_id: string } {
  if (modeOf(row, processingMode) === 'DISPATCH') return { conversation_id: '', contact_id: '' };
  return { conversation_id: textOf(row, 'conversationId'), contact_id: textOf(row, 'contactId') };
}
