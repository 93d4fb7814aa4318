import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Attachments } from './attachments.js';
import { GraphError } from './graph.error.js';
import { judgeSend, type Facts, type SendBody } from './judge/envelope.js';
import { mediaTypes } from './judge/attachments.js';
import type { JsonObject } from './judge/rules.js';
import { Messenger } from './messenger.js';
import type { Page } from './pages.js';
import { Personas } from './personas.js';
import { silentFor, type Thread, Threads } from './threads.js';

/** Answer of a send; message sends to an id have both ids, sender actions only the first, user_ref only the second. */
export interface SendAnswer {
  recipient_id?: string;
  message_id?: string;
  attachment_id?: string;
}

/** The Send API: judges a body and, when Meta would take it, plays Messenger. */
@Injectable()
export class Send {
  constructor(
    private readonly threads: Threads,
    private readonly attachments: Attachments,
    private readonly personas: Personas,
    private readonly messenger: Messenger,
  ) {}

  /** @throws GraphError with Meta's reason when the body would be refused */
  async send(page: Page, body: JsonObject): Promise<SendAnswer> {
    const refusal = judgeSend(body, this.facts(page));
    if (refusal) throw new GraphError(refusal);
    const send = body as SendBody;
    const thread = this.threads.open(page, recipientId(send));
    const activity = send.recipient.comment_id ?? send.recipient.post_id;
    if (activity !== undefined) page.answered.set(activity, true);
    if (send.sender_action !== undefined) {
      this.messenger.act(thread, send.sender_action.toLowerCase(), send.payload);
      return { recipient_id: thread.psid };
    }
    return this.deliver(page, thread, send);
  }

  private async deliver(page: Page, thread: Thread, send: SendBody): Promise<SendAnswer> {
    const content: JsonObject = { ...(send.template ? { template: send.template } : {}), ...send.message };
    const message = await this.messenger.send(page, thread, {
      content,
      quickReplies: send.message?.quick_replies ?? [],
      appId: page.appId,
      personaId: send.persona_id?.toString(),
      replyTo: send.reply_to?.mid,
    });
    return {
      ...(send.recipient.user_ref === undefined ? { recipient_id: thread.psid } : {}),
      message_id: message.mid,
      ...this.saveReusable(page, send),
    };
  }

  /** `is_reusable` on a direct send saves the attachment for later ones. */
  private saveReusable(page: Page, { message }: SendBody): { attachment_id?: string } {
    const { type, payload } = message?.attachment ?? {};
    const mediaType = mediaTypes.find((known) => known === type);
    return mediaType && payload?.is_reusable === true && typeof payload.url === 'string'
      ? { attachment_id: this.attachments.saveUrl(page, mediaType, payload.url) }
      : {};
  }

  private facts(page: Page): Facts {
    return {
      person: (psid) => {
        const thread = this.threads.find(page, psid);
        const met = thread?.met === true || (!page.registered && /^\d{5,20}$/.test(psid));
        if (!met) return undefined;
        return thread
          ? { blocked: thread.blocked, silentFor: silentFor(thread, Date.now()) }
          : { blocked: false, silentFor: 0 };
      },
      attachment: (id) => this.attachments.find(page, id)?.type,
      persona: (id) => this.personas.find(id)?.pageId === page.id,
      // A page that nobody registered may have a past that this process has not seen.
      message: (mid) => !page.registered || this.threads.message(page, mid) !== undefined,
      replied: (activity) => page.answered.has(activity),
    };
  }
}

/** The PSID, or one made from the comment, post or user_ref that stands for a person not yet known. */
function recipientId({ recipient }: SendBody): string {
  const { id, comment_id, post_id, user_ref } = recipient;
  if (id !== undefined) return String(id);
  const digest = createHash('sha256')
    .update(comment_id ?? post_id ?? user_ref ?? '')
    .digest();
  return String(1_000_000_000_000_000n + (digest.readBigUInt64BE() % 1_000_000_000_000_000n));
}
