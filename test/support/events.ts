import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { LOADER_OPTIONS, protoFiles } from '../../src/api/proto.js';
import type { EventServiceClient } from '../../src/generated/proto/parley/conversation/v1/EventService.js';
import type { ProtoGrpcType } from '../../src/generated/proto/event_service.js';
import type { TestApp } from './app.js';
import { eventually } from './eventually.js';
import type { TestPage } from './messenger.js';

export interface EventView {
  id: string;
  direction: string;
  event: Record<string, unknown>;
  status: string;
  reason: { code: string; description: string } | null;
  metadata: string | null;
}

const SEND = `mutation ($input: SendEventInput!) { sendEvent(input: $input) { eventId acceptedTime } }`;
const LIST = `query ($id: String!) { contacts(filter: { channel: MESSENGER, identity: $id }) { edges { node { id } } } }`;
const EVENTS = `query ($appId: ID!, $contactId: ID!) { inbox(appId: $appId, filter: { contactId: $contactId }) { edges { node {
  events(first: 100) { edges { node { id direction event status reason { code description } metadata } } } } } } }`;

/** A customer's own client of the events' gRPC service. */
export function eventClient(address: string): EventServiceClient {
  const { parley } = loadPackageDefinition(
    loadSync(protoFiles(), LOADER_OPTIONS),
  ) as unknown as ProtoGrpcType;
  return new parley.conversation.v1.EventService(address, credentials.createInsecure());
}

export function personOn(psid: string): object {
  return { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: psid }] } };
}

/** What tests ask of a service about the events of its people. */
export class Events {
  constructor(private readonly app: TestApp) {}

  async send(page: TestPage, psid: string, event: object, more: object = {}): Promise<string> {
    const input = { appId: page.appId, recipient: personOn(psid), event, ...more };
    return (await this.app.graphql<{ sendEvent: { eventId: string } }>(SEND, { input })).sendEvent.eventId;
  }

  /** Every event of the person, in order of acceptance. */
  async of(page: TestPage, psid: string): Promise<EventView[]> {
    const { contacts } = await this.app.graphql<{ contacts: { edges: { node: { id: string } }[] } }>(LIST, {
      id: psid,
    });
    const contactId = contacts.edges[0]?.node.id;
    if (contactId === undefined) return [];
    const { inbox } = await this.app.graphql<{
      inbox: { edges: { node: { events: { edges: { node: EventView }[] } } }[] };
    }>(EVENTS, { appId: page.appId, contactId });
    return inbox.edges.flatMap(({ node }) => node.events.edges.map((edge) => edge.node));
  }

  /** The event once it has ended, whichever way. */
  async ended(page: TestPage, psid: string, id: string): Promise<EventView> {
    return eventually(async () => {
      const found = (await this.of(page, psid)).find((event) => event.id === id);
      return found && found.status !== 'QUEUED' && found;
    }, `the end of event ${id}`);
  }
}
