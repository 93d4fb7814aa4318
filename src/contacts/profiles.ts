import type { EntityManager } from 'typeorm';
import type { ChannelProfile } from '../channels/channel.js';
import { queryRows } from '../database/rows.js';
import type { Identity } from './identities.js';

/** What a channel told of a person, or why it did not. */
export interface KnownProfile extends ChannelProfile {
  /** When the channel last answered; null: not yet. */
  answeredAt: Date | null;
  /** Why there is none, or none that is newer. */
  error: string | null;
}

const NOTHING: ChannelProfile = {
  name: null,
  firstName: null,
  lastName: null,
  pictureUrl: null,
  locale: null,
  timezone: null,
  gender: null,
};

const READ = `
  SELECT i.contact_id, i.channel, i.identity, i.app_id, p.profile, p.error, p.answered_at
  FROM channel_identities i
  LEFT JOIN channel_profiles p USING (project_id, channel, app_id, identity)
  WHERE i.project_id = $1 AND i.contact_id = ANY($2)
  ORDER BY i.position, i.channel, i.identity`;

interface Row extends Identity {
  contactId: string;
  profile: ChannelProfile | null;
  error: string | null;
  answeredAt: Date | null;
}

export interface ProfiledIdentity extends Identity {
  /** Null while the channel has neither told nor refused. */
  profile: KnownProfile | null;
}

/** The identities of each contact with what their channels told, in the order of `contactIds`. */
export async function readProfiles(
  tx: Pick<EntityManager, 'query'>,
  projectId: string,
  contactIds: readonly string[],
): Promise<ProfiledIdentity[][]> {
  const rows = await queryRows<Row>(tx, READ, [projectId, contactIds]);
  const byContact = Map.groupBy(rows, (row) => row.contactId);
  return contactIds.map((id) => (byContact.get(id) ?? []).map(profiled));
}

function profiled({ channel, identity, appId, profile, error, answeredAt }: Row): ProfiledIdentity {
  const asked = profile !== null || error !== null;
  return {
    channel,
    identity,
    appId,
    profile: asked ? { ...NOTHING, ...profile, error, answeredAt } : null,
  };
}
