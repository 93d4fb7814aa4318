import type { EventKind, EventPayloads, NewEvent, Snapshot, StoredEvent } from '../events/event.js';
import { newId } from '../ids.js';
import { triggerOf } from './callback.js';
import { WebhookTrigger } from './trigger.js';

type Samples = { [K in EventKind]?: (place: Place) => EventPayloads[K] };

/** Ids of things that do not exist, the same throughout one event. */
interface Place {
  projectId: string;
  appId: string;
  contactId: string;
  conversationId: string;
  at: string;
}

/** One event of each kind that somebody is told of. */
const SAMPLES: Samples = {
  'contact.created': (place) => ({ contact: contact(place) }),
  'contact.updated': (place) => ({ contact: contact(place) }),
  'contact.deleted': (place) => ({ contact: contact(place) }),
  'contact.merged': (place) => ({
    preserved: contact(place),
    deleted: contact({ ...place, contactId: newId() }),
  }),
  'conversation.started': (place) => ({ conversation: conversation(place) }),
  'conversation.stopped': (place) => ({ conversation: { ...conversation(place), active: false } }),
  'conversation.deleted': (place) => ({ conversation: { ...conversation(place), active: false } }),
  'message.added': (place) => ({ message: received(place), conversation: conversation(place) }),
  'message.submitted': (place) => ({ message: sent(place) }),
  'message.updated': (place) => ({
    message: sent(place),
    conversation: conversation(place),
    status: { at: place.at, reason: null },
  }),
  'event.added': (place) => ({
    event: { ...received(place), content: { contact_event: { composing_event: {} } } },
    conversation: conversation(place),
  }),
  'event.updated': (place) => ({
    event: { ...sent(place), content: { composing_event: {} }, status: 'QUEUED_ON_CHANNEL' },
    conversation: conversation(place),
  }),
  'capability.reported': ({ contactId }) => ({
    capability: { ...PERSON, contactId, requestId: newId(), status: 'CAPABILITY_FULL' },
  }),
  'channel.unsupported': () => ({ ...PERSON, raw: { test: true } }),
};

const PERSON = { channel: 'MESSENGER', identity: '1000000000000001' };

/** A made-up event that a webhook with this trigger is told of; null for a trigger that is never sent. */
export function sampleOf(
  trigger: WebhookTrigger,
  { projectId, appId }: { projectId: string; appId: string },
): StoredEvent | null {
  const at = new Date();
  const place = { projectId, appId, contactId: newId(), conversationId: newId(), at: at.toISOString() };
  for (const [kind, sample] of Object.entries(SAMPLES)) {
    const event = {
      ...place,
      kind: kind as EventKind,
      payload: sample(place),
      id: newId(),
      at,
      position: { xact: 0n, seq: 0n },
    } as NewEvent & StoredEvent;
    if (triggerOf(event) === trigger) return event;
  }
  return null;
}

function received(place: Place): Snapshot {
  return {
    ...spoken(place),
    direction: 'TO_APP',
    content: { text_message: { text: 'This is a test of your webhook.' } },
    status: null,
    sentBy: 'CONTACT',
  };
}

function sent(place: Place): Snapshot {
  return {
    ...spoken(place),
    direction: 'TO_CONTACT',
    content: { text_message: { text: 'This is a test of your webhook.' } },
    status: 'DELIVERED',
    sentBy: 'API',
  };
}

function spoken({ projectId, appId, contactId, conversationId, at }: Place): Snapshot {
  return {
    ...{ projectId, id: newId(), appId, conversationId, contactId, ...PERSON },
    ...{ reason: null, metadata: '', correlationId: '', acceptTime: at, channelTime: at },
  };
}

function conversation({ projectId, appId, contactId, conversationId, at }: Place): Snapshot {
  return {
    ...{ projectId, id: conversationId, appId, contactId, active: true, activeChannel: PERSON.channel },
    ...{ lastReceived: at, metadata: '', metadataJson: null, correlationId: '' },
  };
}

function contact({ projectId, appId, contactId }: Place): Snapshot {
  return {
    ...{ projectId, id: contactId, displayName: 'Test', email: '', externalId: '', metadata: '' },
    language: 'UNSPECIFIED',
    channelPriority: [],
    channelIdentities: [{ ...PERSON, appId }],
  };
}
