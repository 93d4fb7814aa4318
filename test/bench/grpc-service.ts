import { loadPackageDefinition, type ServiceClientConstructor, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { LOADER_OPTIONS, protoFiles } from '../../src/api/proto.js';

/** Parley's MessageService, for the load generator and the baseline alike. */
export const messageService: ServiceDefinition = serviceOf();

function serviceOf(): ServiceDefinition {
  const loaded = loadPackageDefinition(loadSync(protoFiles(), LOADER_OPTIONS)) as unknown as {
    parley: { conversation: { v1: { MessageService: ServiceClientConstructor } } };
  };
  return loaded.parley.conversation.v1.MessageService.service;
}

export const sendMessage = messageService.SendMessage as NonNullable<(typeof messageService)[string]>;

/** A request that says `text` to a person, as it goes over the wire. */
export function textBytes(appId: string, identity: string, text: string): Buffer {
  return sendMessage.requestSerialize({
    appId,
    recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity }] } },
    message: { textMessage: { text } },
  });
}
