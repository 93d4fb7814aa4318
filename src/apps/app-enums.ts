// Values of an app's settings. Source: Conversation API, App.
export enum RetentionType {
  MESSAGE_EXPIRE_POLICY = 'MESSAGE_EXPIRE_POLICY',
  CONVERSATION_EXPIRE_POLICY = 'CONVERSATION_EXPIRE_POLICY',
  PERSIST_RETENTION_POLICY = 'PERSIST_RETENTION_POLICY',
}

export enum ProcessingMode {
  CONVERSATION = 'CONVERSATION',
  DISPATCH = 'DISPATCH',
}

export enum ConversationMetadataReportView {
  NONE = 'NONE',
  FULL = 'FULL',
}
