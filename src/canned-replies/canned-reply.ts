import type { AppMessage } from '../content/app-message.js';

/** A message that agents send again and again. */
export interface CannedReply {
  projectId: string;
  id: string;
  /** Null for all apps of the project. */
  appId: string | null;
  shortcut: string;
  title: string;
  message: AppMessage;
  /** The message as it was given, ready to be sent. */
  input: object;
  createdAt: Date;
  updatedAt: Date;
}
