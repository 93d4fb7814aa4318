/** What an agent wrote for the others about a conversation. It never leaves the inbox. */
export interface Note {
  projectId: string;
  id: string;
  conversationId: string;
  /** The agent; null for who called with an access key. */
  author: string | null;
  text: string;
  createdAt: Date;
  editedAt: Date | null;
}
