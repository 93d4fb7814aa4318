import type { TranscodeNote } from '../../channels/channel.js';
import type { Agent } from '../../content/app-message.js';
import { cutText } from '../transcode/grapheme.js';

/** Who a message appears to come from, as the page's personas edge takes it. Source: messenger-platform/send-messages/personas. */
export interface Persona {
  /** At most 50 characters. */
  name: string;
  profile_picture_url: string;
}

const MAX_NAME = 50;

/** The agent of a message as a persona; without a name and a picture there is none, and the page speaks itself. */
export function agentPersona(agent: Agent | undefined): {
  fields: { persona?: Persona };
  notes: TranscodeNote[];
} {
  const name = cutText(agent?.display_name?.trim() ?? '', MAX_NAME);
  const picture = agent?.picture_url ?? '';
  if (name === '' || !/^https?:$/.test(URL.parse(picture)?.protocol ?? '')) {
    const rule = 'a persona has a display_name and a picture_url';
    return { fields: {}, notes: [{ field: 'agent', rule, action: 'sent without a persona' }] };
  }
  return {
    fields: { persona: { name, profile_picture_url: picture } },
    notes: [
      { field: 'agent', rule: 'a persona belongs to the page', action: 'made once; sent as its persona_id' },
    ],
  };
}
