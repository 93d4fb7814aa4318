import { Injectable, Logger } from '@nestjs/common';
import type {
  ChannelPayload,
  ConnectedCredentials,
  SendOutcome,
  SendRequest,
} from '../../channels/channel.js';
import type { Created } from '../graph/graph.client.js';
import { withAttachments } from './media-template.js';
import { PageAssets } from './page-assets.js';
import type { Persona } from './persona.js';

/** A payload as it goes out, and the ids of the page's assets in it. */
export interface Prepared {
  payload: ChannelPayload;
  attachments: string[];
  personas: string[];
}

/** The payload cannot go out; nothing of it has. */
export class Unprepared extends Error {
  override readonly name = 'Unprepared';

  constructor(readonly outcome: Exclude<Created, { kind: 'created' }>) {
    super(outcome.reason.description);
  }
}

/** The attachment is unknown, expired, or another page's. */
const ATTACHMENT_GONE = '100/2018074';
/** How a persona that is gone is refused is not documented; a parameter or an object it is in any case. */
const PERSONA_GONE = ['100', '100/33'];

/** What has to be on the page before a payload can be sent. */
@Injectable()
export class Preparation {
  private readonly logger = new Logger(Preparation.name);

  constructor(private readonly assets: PageAssets) {}

  /** @throws Unprepared when media could not be saved. A persona that cannot be made is left out. */
  async prepare({ credentials, payload }: Pick<SendRequest, 'credentials' | 'payload'>): Promise<Prepared> {
    const attachments: string[] = [];
    const withMedia = await withAttachments(payload, async (source) => {
      const saved = await this.assets.get(credentials, { kind: 'media', ...source });
      if (saved.kind !== 'created') throw new Unprepared(saved);
      attachments.push(saved.id);
      return saved.id;
    });
    const { persona, ...rest } = withMedia;
    if (persona === undefined) return { payload: withMedia, attachments, personas: [] };
    const id = await this.personaId(credentials, persona as Persona);
    return id === null
      ? { payload: rest, attachments, personas: [] }
      : { payload: { ...rest, persona_id: id }, attachments, personas: [id] };
  }

  /** Whether the outcome says that an asset is gone; then it is forgotten, and another try makes it anew. */
  async forgetStale(
    credentials: ConnectedCredentials,
    { attachments, personas }: Prepared,
    outcome: SendOutcome,
  ): Promise<boolean> {
    if (outcome.kind !== 'permanent') return false;
    const code = outcome.reason.channel_code ?? '';
    const stale = [
      ...(code === ATTACHMENT_GONE ? attachments : []),
      ...(PERSONA_GONE.includes(code) ? personas : []),
    ];
    if (stale.length > 0) await this.assets.forget(credentials, stale);
    return stale.length > 0;
  }

  private async personaId(credentials: ConnectedCredentials, persona: Persona): Promise<string | null> {
    const made = await this.assets.get(credentials, { kind: 'persona', ...persona });
    if (made.kind === 'created') return made.id;
    this.logger.warn(
      `app ${credentials.appId}: sent without a persona: ${made.reason.code} ${made.reason.description}`,
    );
    return null;
  }
}
