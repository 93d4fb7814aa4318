import type { ChannelCredentials, ChannelProfile, ProfileOutcome } from '../../channels/channel.js';
import { reason } from '../../content/reason.js';
import type { GraphClient, Read } from '../graph/graph.client.js';
import { fieldsOf, textOf, type Fields } from '../ingest/fields.js';

/** Needs no permission of its own. */
const PLAIN = ['first_name', 'last_name', 'name', 'profile_pic'];
/** Each needs one; Graph refuses the whole call where it is missing. */
const RESTRICTED = ['locale', 'timezone', 'gender'];
/** 2018247: a field that the app may not ask for; 100: one that the person does not have. */
const FIELD_REFUSED = /^100$|(^|\/)2018247$/;

/** What Messenger tells of a person. Source: messenger-platform/identity/user-profile. */
export async function fetchProfile(
  graph: Pick<GraphClient, 'read'>,
  { token }: ChannelCredentials,
  identity: string,
  signal: AbortSignal,
): Promise<ProfileOutcome> {
  const ask = (fields: string[]): Promise<Read> =>
    graph.read({ token, path: encodeURIComponent(identity), query: { fields: fields.join(',') }, signal });
  let read = await ask([...PLAIN, ...RESTRICTED]);
  if (read.kind === 'permanent' && FIELD_REFUSED.test(read.reason.channel_code ?? ''))
    read = await ask(PLAIN);
  if (read.kind !== 'read') return read;
  const { body, slowDown } = read;
  const profile = profileIn(body);
  const known = Object.values(profile).some((value) => value !== null);
  return {
    ...(known ? { kind: 'profile', profile } : { kind: 'permanent', reason: untold() }),
    ...(slowDown ? { slowDown } : {}),
  };
}

function untold(): ReturnType<typeof reason> {
  return reason(
    'NO_PERMISSION',
    'Messenger told nothing of the person: the Facebook app needs Business Asset User Profile Access',
  );
}

/** Some answers have the parts of the name, some only the whole. */
export function profileIn(body: unknown): ChannelProfile {
  const fields = fieldsOf(body) ?? {};
  const firstName = shortText(fields.first_name, 255);
  const lastName = shortText(fields.last_name, 255);
  const parts = [firstName, lastName].filter((part) => part !== null).join(' ');
  return {
    name: shortText(fields.name, 255) ?? shortText(parts, 255),
    firstName,
    lastName,
    pictureUrl: pictureIn(fields),
    locale: shortText(fields.locale, 20),
    timezone: hoursIn(fields.timezone),
    gender: shortText(fields.gender, 50),
  };
}

function pictureIn({ profile_pic: picture }: Fields): string | null {
  const url = textOf(picture);
  return url.length <= 4096 && /^https?:\/\//.test(url) && URL.canParse(url) ? url : null;
}

function shortText(value: unknown, length: number): string | null {
  // Control characters have no place in a name.
  const text = textOf(value)
    .replace(/\p{Cc}/gu, ' ')
    .trim();
  return text === '' ? null : text.slice(0, length).toWellFormed();
}

function hoursIn(value: unknown): number | null {
  const hours = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof hours === 'number' && Math.abs(hours) <= 24 ? hours : null;
}
