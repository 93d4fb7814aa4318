// The official Node client of the Conversation API, pointed at a started service by configuration alone.
import { ConversationService, SinchClient } from '@sinch/sdk-core';
import type { TestApp } from './app.js';

/** The client's service for each group of methods. */
export type Group = {
  [Name in keyof ConversationService]: ConversationService[Name] extends { apiName: string } ? Name : never;
}[keyof ConversationService];

export interface Sdk {
  conversation: ConversationService;
  /** Methods of a group that no test has called yet. */
  uncalled(group: Group): string[];
}

/** Every group of methods that the client has. */
export function groupsOf(conversation: ConversationService): Group[] {
  return (Object.keys(conversation) as (keyof ConversationService)[]).filter((name): name is Group =>
    isGroup(Reflect.get(conversation, name)),
  );
}

const isGroup = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'apiName' in value;

export function sdkOf(app: Pick<TestApp, 'url' | 'projectId'>, { authHostname = app.url } = {}): Sdk {
  const { conversation } = new SinchClient({
    projectId: app.projectId,
    keyId: 'test-key',
    keySecret: 'test-secret-0123456789',
    authHostname,
    conversationHostname: app.url,
    conversationTemplatesHostname: app.url,
    logger: null,
  });
  const called = new Set<string>();
  for (const group of groupsOf(conversation)) {
    for (const method of methodsOf(conversation, group))
      noteCalls(conversation[group], method, () => called.add(`${group}.${method}`));
  }
  return {
    conversation,
    uncalled: (group) => methodsOf(conversation, group).filter((method) => !called.has(`${group}.${method}`)),
  };
}

/** Methods of a group that make requests; the rest turns its bodies over. */
function methodsOf(conversation: ConversationService, group: Group): string[] {
  const prototype = Object.getPrototypeOf(conversation[group]) as object;
  return Object.getOwnPropertyNames(prototype).filter(
    (name) => name !== 'constructor' && name !== 'sendMessage' && !name.startsWith('perform'),
  );
}

function noteCalls(target: object, method: string, note: () => void): void {
  const original = Reflect.get(target, method) as (...args: unknown[]) => unknown;
  Reflect.set(target, method, (...args: unknown[]) => {
    note();
    return original.apply(target, args);
  });
}

/** The status that the service refused a call with. */
export async function statusOf(call: Promise<unknown>): Promise<number | undefined> {
  try {
    await call;
    return 200;
  } catch (error) {
    return (error as { statusCode?: number }).statusCode;
  }
}

/** Everything that a list gives, over all of its pages. */
export async function everyOne<T>(list: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of list) all.push(one);
  return all;
}
