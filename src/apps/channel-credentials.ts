// Channel credentials as the Conversation API has them. Source: Conversation API, channel credentials.
import { type FieldViolation, invalidFields } from '../errors.js';
import { SECRET_MASK } from '../secrets.js';

/** Text that may be shown, text that may not, or yes and no. */
type Kind = 'text' | 'secret' | 'flag';
interface Field {
  kind: Kind | Shape;
  required: boolean;
}
export interface Shape {
  fields: Readonly<Record<string, Field>>;
}

export type Values = Record<string, unknown>;

/** One entry of an app's list, with our own names. */
export interface ChannelCredential {
  channel: string;
  /** Which credential object it is, such as `staticToken`. */
  member: string;
  values: Values;
  /** Null when it was not given. */
  callbackSecret: string | null;
  ordinal: number;
}

const must = (kind: Kind | Shape): Field => ({ kind, required: true });
const may = (kind: Kind | Shape): Field => ({ kind, required: false });

const LINE_ACCOUNT: Shape = { fields: { token: must('secret'), secret: must('secret') } };

export const SHAPES: Readonly<Record<string, Shape>> = {
  staticToken: { fields: { token: must('secret') } },
  staticBearer: { fields: { claimedIdentity: must('text'), token: must('secret') } },
  instagramCredentials: { fields: { token: must('secret'), businessAccountId: may('text') } },
  telegramCredentials: { fields: { token: must('secret') } },
  mmsCredentials: {
    fields: {
      accountId: must('text'),
      apiKey: must('secret'),
      basicAuth: may({ fields: { username: must('text'), password: must('secret') } }),
      defaultSender: may('text'),
    },
  },
  kakaotalkCredentials: {
    fields: { kakaotalkPlusFriendId: must('text'), kakaotalkSenderKey: must('secret') },
  },
  kakaotalkchatCredentials: { fields: { kakaotalkPlusFriendId: must('text'), apiKey: may('secret') } },
  lineCredentials: { fields: { ...LINE_ACCOUNT.fields, isDefault: may('flag') } },
  lineEnterpriseCredentials: {
    fields: { lineJapan: may(LINE_ACCOUNT), lineThailand: may(LINE_ACCOUNT), isDefault: may('flag') },
  },
  wechatCredentials: {
    fields: {
      appId: must('text'),
      appSecret: must('secret'),
      token: must('secret'),
      aesKey: must('secret'),
    },
  },
  applebcCredentials: {
    fields: {
      businessChatAccountId: must('text'),
      merchantId: may('text'),
      applePayCertificateReference: may('text'),
      applePayCertificatePassword: may('secret'),
    },
  },
  smsCredentials: { fields: { smsAppId: must('text') } },
};

/** Which credential objects a channel takes; the first is the one that it is shown with. */
export const MEMBERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  APPLEBC: ['applebcCredentials'],
  INSTAGRAM: ['instagramCredentials'],
  KAKAOTALK: ['kakaotalkCredentials'],
  KAKAOTALKCHAT: ['kakaotalkchatCredentials'],
  LINE: ['lineCredentials', 'lineEnterpriseCredentials'],
  MESSENGER: ['staticToken'],
  MMS: ['mmsCredentials'],
  RCS: ['staticBearer'],
  SMS: ['staticBearer', 'smsCredentials'],
  TELEGRAM: ['telegramCredentials'],
  VIBER: ['staticToken'],
  VIBERBM: ['staticBearer'],
  WECHAT: ['wechatCredentials'],
  WHATSAPP: ['staticBearer'],
};

/** Only there an app may have several accounts. */
const SEVERAL = new Set(['LINE']);
export const MAX_CREDENTIALS = 50;
export const MAX_CALLBACK_SECRET = 256;
const MAX_TEXT = 4_096;
const MAX_ORDINAL = 255;

/**
 * The entries of a list, with paths such as `channelCredentials[0].staticToken.token` in what is refused.
 * @throws DomainError INVALID_ARGUMENT
 */
export function readCredentials(list: readonly Values[]): ChannelCredential[] {
  const faults: FieldViolation[] = [];
  const fault = (path: string, rule: string, message: string): void => {
    faults.push({ path, rule, message });
  };
  const seen = new Set<string>();
  const read = list.map((entry, index) => {
    const at = `channelCredentials[${index}]`;
    const credential = readCredential(entry, at, fault);
    const key = `${credential.channel} ${credential.ordinal}`;
    if (seen.has(key)) fault(at, 'unique', `${credential.channel} is there twice`);
    seen.add(key);
    return credential;
  });
  if (faults.length > 0) throw invalidFields(faults);
  return read;
}

type Fault = (path: string, rule: string, message: string) => void;

function readCredential(entry: Values, at: string, fault: Fault): ChannelCredential {
  const channel = typeof entry.channel === 'string' ? entry.channel : '';
  const members = Object.hasOwn(MEMBERS, channel) ? MEMBERS[channel] : undefined;
  if (!members) fault(`${at}.channel`, 'isEnum', `channel must be one of ${Object.keys(MEMBERS).join(', ')}`);
  const given = members?.filter((member) => entry[member] != null) ?? [];
  const [member = members?.[0] ?? ''] = given;
  if (members && given.length !== 1) {
    const rule = members.length === 1 ? 'isNotEmpty' : 'exactlyOne';
    fault(
      `${at}.${members.length === 1 ? member : 'channel'}`,
      rule,
      `${channel} takes ${members.join(' or ')}`,
    );
  }
  const shape = SHAPES[member];
  const values = shape && given.length === 1 ? readShape(shape, entry[member], `${at}.${member}`, fault) : {};
  const { callbackSecret = null, credentialOrdinalNumber: ordinal = 0 } = entry;
  if (callbackSecret !== null && !isText(callbackSecret, 0, MAX_CALLBACK_SECRET)) {
    const text = `callbackSecret must be text of at most ${MAX_CALLBACK_SECRET} characters`;
    fault(`${at}.callbackSecret`, 'maxLength', text);
  }
  const highest = SEVERAL.has(channel) ? MAX_ORDINAL : 0;
  const number = ordinal ?? 0;
  if (!Number.isInteger(number) || (number as number) < 0 || (number as number) > highest) {
    const text = `credentialOrdinalNumber must be ${highest === 0 ? '0' : `0 to ${highest}`} for ${channel}`;
    fault(`${at}.credentialOrdinalNumber`, 'range', text);
  }
  return {
    channel,
    member,
    values,
    callbackSecret: callbackSecret as string | null,
    ordinal: number as number,
  };
}

function readShape(shape: Shape, value: unknown, at: string, fault: Fault): Values {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    fault(at, 'isObject', `${nameOf(at)} must be an object`);
    return {};
  }
  const given = value as Values;
  const read: Values = {};
  for (const [name, { kind, required }] of Object.entries(shape.fields)) {
    const path = `${at}.${name}`;
    const field = given[name] ?? undefined;
    if (field === undefined || (field === '' && !required)) {
      if (required) fault(path, 'isNotEmpty', `${name} should not be empty`);
    } else if (typeof kind === 'object') read[name] = readShape(kind, field, path, fault);
    else if (kind === 'flag' ? typeof field === 'boolean' : isText(field, 1, MAX_TEXT)) read[name] = field;
    else if (kind === 'flag') fault(path, 'isBoolean', `${name} must be true or false`);
    else fault(path, 'isLength', `${name} must be text of 1 to ${MAX_TEXT} characters`);
  }
  // A token goes into the header of a request.
  if (typeof read.token === 'string' && !/^[\x21-\x7e]*$/.test(read.token)) {
    fault(`${at}.token`, 'matches', 'token must be visible ASCII characters');
  }
  return read;
}

/** The values as they are shown: of a secret nothing but that it is there. */
export function maskedValues(member: string, values: Values): Values {
  const shape = SHAPES[member];
  return shape ? mapSecrets(shape, values, () => SECRET_MASK) : {};
}

/**
 * The values with what the stored ones have where a mask was written.
 * @param lacking told of each mask that nothing stored stands behind.
 */
export function unmaskedValues(
  { member, values }: ChannelCredential,
  stored: Values | null,
  lacking: (path: string) => void,
): Values {
  const shape = SHAPES[member];
  if (!shape) return values;
  return mapSecrets(shape, values, (value, path) => {
    if (value !== SECRET_MASK) return value;
    const kept = path.reduce<unknown>(
      (from, name) => (from as Values | undefined)?.[name],
      stored ?? undefined,
    );
    if (typeof kept !== 'string') lacking([member, ...path].join('.'));
    return kept;
  });
}

function mapSecrets(
  shape: Shape,
  values: Values,
  change: (value: unknown, path: string[]) => unknown,
  path: string[] = [],
): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const kind = shape.fields[name]?.kind;
      const at = [...path, name];
      if (typeof kind === 'object') return [name, mapSecrets(kind, value as Values, change, at)];
      return [name, kind === 'secret' ? change(value, at) : value];
    }),
  );
}

function isText(value: unknown, min: number, max: number): value is string {
  return typeof value === 'string' && value.length >= min && value.length <= max;
}

function nameOf(path: string): string {
  return path.replace(/^.*\./, '');
}
