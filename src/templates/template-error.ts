import { reason, type Reason, type ReasonCode } from '../content/reason.js';

/** Why a template cannot be said: what a message that was accepted already fails with. Source: Conversation API, Reason. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  readonly reason: Reason;

  /** @param code BAD_REQUEST: filled in, the message breaks a rule of messages. */
  constructor(code: Extract<ReasonCode, `TEMPLATE_${string}` | 'BAD_REQUEST'>, description: string) {
    super(description);
    this.reason = reason(code, description);
  }
}
