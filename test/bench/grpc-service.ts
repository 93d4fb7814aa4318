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
