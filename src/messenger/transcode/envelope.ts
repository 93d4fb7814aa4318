import type { TranscodeNote } from '../../channels/channel.js';
import type { Agent } from '../../content/app-message.js';
import { agentPersona, type Persona } from '../assets/persona.js';
import { tagAdvice } from '../tags.js';
import { refused } from './refused.js';

/** The part of a Send API body beside `message`, from the channel properties. */
export interface Envelope {
  fields: {
    messaging_type: string;
    tag?: string;
    notification_type?: string;
    persona_id?: string;
    /** Ours, in place of a `persona_id`: the page has to have it before the send, which then names it. */
    persona?: Persona;
    /** In place of the person's own id. */
    recipient?: { notification_messages_token: string };
  };
  notes: TranscodeNote[];
  /** Whether the caller asked for any of it. */
  asked: boolean;
}

const TAG = 'channel_properties.MESSENGER_MESSAGE_TAG';
const MESSAGING_TYPES = ['RESPONSE', 'UPDATE', 'MESSAGE_TAG', 'UTILITY'];
const NOTIFICATION_TYPES = ['REGULAR', 'SILENT_PUSH', 'NO_PUSH'];

/**
 * Channel properties as the fields of a send. A tag always goes with `MESSAGE_TAG`, and `MESSAGE_TAG` with a tag: Meta
 * refuses either alone. Source: messenger-platform/reference/send-api.
 * @throws DomainError INVALID_ARGUMENT naming the property.
 */
export function envelopeOf(properties: Record<string, string>, agent?: Agent): Envelope {
  const type = oneOf(properties, 'MESSENGER_MESSAGING_TYPE', MESSAGING_TYPES);
  const notification = oneOf(properties, 'MESSENGER_NOTIFICATION_TYPE', NOTIFICATION_TYPES);
  const tag = properties.MESSENGER_MESSAGE_TAG || undefined;
  const token = matching(properties, 'MESSENGER_NOTIFICATION_MESSAGES_TOKEN', /^\S{1,1000}$/, 'a token');
  const persona = personaOf(properties, agent);
  if (type === 'MESSAGE_TAG' && tag === undefined) {
    throw refused(TAG, 'required', 'the messaging type MESSAGE_TAG needs a message tag');
  }
  return {
    fields: {
      messaging_type: tag === undefined ? (type ?? 'RESPONSE') : 'MESSAGE_TAG',
      ...(tag === undefined ? {} : { tag }),
      ...(notification === undefined ? {} : { notification_type: notification }),
      ...persona.fields,
      ...(token === undefined ? {} : { recipient: { notification_messages_token: token } }),
    },
    notes: [...(tag === undefined ? [] : tagNotes(tag, type)), ...persona.notes],
    asked:
      [type, tag, notification, token].some((value) => value !== undefined) ||
      Object.keys(persona.fields).length > 0,
  };
}

function tagNotes(tag: string, type: string | undefined): TranscodeNote[] {
  const notes: TranscodeNote[] = [];
  const advice = tagAdvice(tag);
  if (advice) {
    notes.push({ field: TAG, rule: advice, action: 'sent as asked' });
  }
  if (type !== undefined && type !== 'MESSAGE_TAG') {
    notes.push({
      field: 'channel_properties.MESSENGER_MESSAGING_TYPE',
      rule: 'a message with a tag has the messaging type MESSAGE_TAG',
      action: 'sent as MESSAGE_TAG',
    });
  }
  return notes;
}

/** A persona by its id, or the message's agent as one. */
function personaOf(
  properties: Record<string, string>,
  agent: Agent | undefined,
): { fields: Pick<Envelope['fields'], 'persona_id' | 'persona'>; notes: TranscodeNote[] } {
  const id = matching(properties, 'MESSENGER_PERSONA_ID', /^\d{1,30}$/, 'the id of a persona: digits');
  const asked = oneOf(properties, 'MESSENGER_PERSONA', ['AGENT']);
  if (id !== undefined) return { fields: { persona_id: id }, notes: [] };
  return asked === undefined ? { fields: {}, notes: [] } : agentPersona(agent);
}

function matching(
  properties: Record<string, string>,
  key: string,
  pattern: RegExp,
  what: string,
): string | undefined {
  const value = properties[key] || undefined;
  if (value !== undefined && !pattern.test(value)) {
    throw refused(`channel_properties.${key}`, 'matches', `${key} must be ${what}`);
  }
  return value;
}

function oneOf(properties: Record<string, string>, key: string, allowed: string[]): string | undefined {
  const value = properties[key] || undefined;
  if (value !== undefined && !allowed.includes(value)) {
    throw refused(`channel_properties.${key}`, 'isIn', `${key} must be one of ${allowed.join(', ')}`);
  }
  return value;
}
