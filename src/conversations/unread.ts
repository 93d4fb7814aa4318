// SQL for what nobody has read of a conversation: always taken from the messages, so that it cannot drift.

/** Of the conversation whose row has this alias, after its mark. What was said elsewhere and stored later nobody has to read. */
function unread(conversation: string, readUpTo: string): string {
  return `FROM messages unread
    WHERE unread.project_id = ${conversation}.project_id AND unread.conversation_id = ${conversation}.id AND unread.direction = 'TO_APP'
      AND unread.deleted_at IS NULL AND NOT unread.injected AND unread.id > coalesce(${readUpTo}, '')`;
}

/** How many there are, counted from the conversation's own mark or from another. */
export function unreadOf(conversation: string, readUpTo = `${conversation}.read_up_to_message_id`): string {
  return `(SELECT count(*) ${unread(conversation, readUpTo)})`;
}

/** The id of the first; null when there is none. */
export function firstUnreadOf(conversation: string): string {
  return `(SELECT min(unread.id) ${unread(conversation, `${conversation}.read_up_to_message_id`)})`;
}
