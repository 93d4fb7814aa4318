// A second channel, so that what the adapter interface promises is not a promise of Messenger alone.
import { randomUUID } from 'node:crypto';
import type {
  ChannelPlugin,
  ConversationChannel,
  SendOutcome,
  SendRequest,
  TranscodeContext,
} from '../../src/channels/channel.js';
import { ChannelRegistry } from '../../src/channels/registry.js';
import type { AppMessage } from '../../src/content/app-message.js';
import type { Reason } from '../../src/content/reason.js';
import { invalid } from '../../src/errors.js';
import type { TestApp } from './app.js';

export interface TestChannel extends ChannelPlugin {
  /** Every call, in order. */
  sends: (SendRequest & { channelMessageId: string })[];
  /** What each transcoding was told. */
  contexts: TranscodeContext[];
  /** Decides the outcome; takes everything until set. */
  answer: (request: SendRequest, channelMessageId: string) => Promise<SendOutcome> | SendOutcome;
  blocked: Reason | null;
}

/** Takes texts, one payload a line. */
export function registerTestChannel(app: TestApp, channel: ConversationChannel): TestChannel {
  const plugin: TestChannel = {
    channel,
    sends: [],
    contexts: [],
    answer: (_request, channelMessageId) => ({ kind: 'accepted', channelMessageId }),
    blocked: null,
    lookUp: async () => Promise.resolve({ accountId: `${channel} account`, displayName: null }),
    subscribe: async () => Promise.resolve(),
    unsubscribe: async () => Promise.resolve(),
    transcode(message: AppMessage, context) {
      plugin.contexts.push(context);
      const { text_message: text } = message;
      if (!text) throw invalid('message', 'supported', `${channel} takes texts only`);
      return { payloads: text.text.split('\n').map((line) => ({ text: line })), notes: [] };
    },
    sendingBlocked: () => plugin.blocked,
    messagingWindow: () => null,
    async send(request) {
      const channelMessageId = `${channel}-${randomUUID()}`;
      plugin.sends.push({ ...request, channelMessageId });
      return plugin.answer(request, channelMessageId);
    },
    sendEvent: async () => Promise.resolve({ kind: 'accepted', channelMessageId: null }),
  };
  app.parley.app.get(ChannelRegistry, { strict: false }).register(plugin);
  return plugin;
}

/** Connects an app to it. */
export async function connectTestChannel(app: TestApp, appId: string, channel: string): Promise<void> {
  await app.graphql(
    `mutation ($input: ConnectChannelInput!) { connectChannel(input: $input) { id state } }`,
    {
      input: { appId, channel, token: `token-of-${channel}`, callbackSecret: '' },
    },
  );
}
