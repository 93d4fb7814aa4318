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
  valuesMap: {
    APPLEBC: { description: 'Apple Messages for Business.' },
    CHANNEL_UNSPECIFIED: { description: 'None in particular.' },
    INSTAGRAM: { description: 'Instagram messaging.' },
    KAKAOTALK: { description: 'KakaoTalk, for notifications.' },
    KAKAOTALKCHAT: { description: 'KakaoTalk, for conversations.' },
    LINE: { description: 'LINE.' },
    MESSENGER: { description: 'Facebook Messenger.' },
    MMS: { description: 'MMS.' },
    RCS: { description: 'RCS Business Messaging.' },
    SINCH_CHAT: { description: 'Sinch chat in an app or on a web page.' },
    SINCH_PUSH: { description: 'Push notifications by Sinch.' },
    SMS: { description: 'SMS.' },
    TELEGRAM: { description: 'Telegram.' },
    VIBER: { description: 'Viber bots.' },
    VIBERBM: { description: 'Viber Business Messages.' },
    WECHAT: { description: 'WeChat.' },
    WHATSAPP: { description: 'WhatsApp Business.' },
  },
});
