/** What marks our own strings among those that come back from Messenger. */
const PREFIX = 'parley:';

/** Goes into `message.metadata` of a send and comes back in its echo. */
export function metadataOf(reference: string): string {
  return `${PREFIX}${reference}`;
}

/** The reference of a send of ours; undefined when the metadata are somebody else's. */
export function referenceOf(metadata: unknown): string | undefined {
  return typeof metadata === 'string' && metadata.startsWith(PREFIX)
    ? metadata.slice(PREFIX.length)
    : undefined;
}

/** Stands for postback data too long for a button: which choice, counted from 0, of which message of ours. */
export function choiceReference(messageId: string, index: number): string {
  return `${PREFIX}${messageId}:${index}`;
}

/** Null when the payload is not a `choiceReference`. */
export function parseChoiceReference(payload: string): { messageId: string; index: number } | null {
  const match = /^parley:([^:]+):(\d{1,4})$/.exec(payload);
  return match?.[1] && match[2] ? { messageId: match[1], index: Number(match[2]) } : null;
}
