import { registerEnumType } from '@nestjs/graphql';

/** Every channel that the Conversation API knows; which of them work is up to the plug-ins. Source: Conversation API, ConversationChannel. */
export enum ConversationChannelName {
  APPLEBC = 'APPLEBC',
  CHANNEL_UNSPECIFIED = 'CHANNEL_UNSPECIFIED',
  INSTAGRAM = 'INSTAGRAM',
  KAKAOTALK = 'KAKAOTALK',
  KAKAOTALKCHAT = 'KAKAOTALKCHAT',
  LINE = 'LINE',
  MESSENGER = 'MESSENGER',
  MMS = 'MMS',
  RCS = 'RCS',
  SINCH_CHAT = 'SINCH_CHAT',
  SINCH_PUSH = 'SINCH_PUSH',
  SMS = 'SMS',
  TELEGRAM = 'TELEGRAM',
  VIBER = 'VIBER',
  VIBERBM = 'VIBERBM',
  WECHAT = 'WECHAT',
  WHATSAPP = 'WHATSAPP',
}

registerEnumType(ConversationChannelName, {
  name: 'ConversationChannel',
  description: 'A channel of the Conversation API.',
});
