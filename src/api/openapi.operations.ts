// Names and answers of the operations. Source: Conversation API, endpoints.

interface Operation {
  id: string;
  tag: string;
  /** A schema of `openapi.answers.ts`. */
  answer: string;
  /** The schema of the request where the marks of its class are of another shape. */
  body?: string;
}

/** By tag: method and path below the project's, operation id, answer, and maybe the request. */
const TABLE: Readonly<Record<string, readonly (readonly [string, string, string, string?])[]>> = {
  Apps: [
    ['GET v1 apps', 'App_ListApps', 'AppList'],
    ['POST v1 apps', 'App_CreateApp', 'App'],
    ['GET v1 apps/{app_id}', 'App_GetApp', 'App'],
    ['PATCH v1 apps/{app_id}', 'App_UpdateApp', 'App'],
    ['DELETE v1 apps/{app_id}', 'App_DeleteApp', 'Empty'],
  ],
  Contacts: [
    ['GET v1 contacts', 'Contact_ListContacts', 'ContactPage'],
    ['POST v1 contacts', 'Contact_CreateContact', 'Contact'],
    ['GET v1 contacts/{contact_id}', 'Contact_GetContact', 'Contact'],
    ['PATCH v1 contacts/{contact_id}', 'Contact_UpdateContact', 'Contact'],
    ['DELETE v1 contacts/{contact_id}', 'Contact_DeleteContact', 'Empty'],
    ['POST v1 contacts/{destination_id}:merge', 'Contact_MergeContact', 'Contact'],
    ['POST v1 contacts:getChannelProfile', 'Contact_GetChannelProfile', 'ChannelProfile'],
    ['GET v1 contacts:identityConflicts', 'Contact_ListIdentityConflicts', 'IdentityConflictPage'],
    ['GET v1 contacts/{contact_id}:export', 'Contact_ExportContact', 'ContactExport'],
  ],
  Conversations: [
    ['GET v1 conversations', 'Conversation_ListConversations', 'ConversationPage'],
    ['POST v1 conversations', 'Conversation_CreateConversation', 'Conversation'],
    ['GET v1 conversations/{conversation_id}', 'Conversation_GetConversation', 'Conversation'],
    ['PATCH v1 conversations/{conversation_id}', 'Conversation_UpdateConversation', 'Conversation'],
    ['DELETE v1 conversations/{conversation_id}', 'Conversation_DeleteConversation', 'Empty'],
    ['POST v1 conversations/{conversation_id}:stop', 'Conversation_StopActiveConversation', 'Empty'],
    ['POST v1 conversations/{conversation_id}:inject-message', 'Conversation_InjectMessage', 'Empty'],
    ['POST v1 conversations/{conversation_id}:inject-event', 'Events_InjectEvent', 'SendEventResponse'],
    ['GET v1 conversations:recent', 'Conversation_ListRecentConversations', 'RecentConversationPage'],
  ],
  Messages: [
    ['POST v1 messages:send', 'Messages_SendMessage', 'SendMessageResponse'],
    ['GET v1 messages', 'Messages_ListMessages', 'MessagePage'],
    ['GET v1 messages/{message_id}', 'Messages_GetMessage', 'ConversationMessage'],
    ['PATCH v1 messages/{message_id}', 'Messages_UpdateMessageMetadata', 'ConversationMessage'],
    ['DELETE v1 messages/{message_id}', 'Messages_DeleteMessage', 'Empty'],
    ['POST v1 messages:fetch-last-message', 'Messages_ListMessagesByChannelIdentity', 'MessagePage'],
    ['POST v1 messages:transcode', 'Transcoding_TranscodeMessage', 'TranscodeMessageResponse'],
  ],
  Events: [
    ['POST v1 events:send', 'Events_SendEvent', 'SendEventResponse'],
    ['GET v1 events', 'Events_ListEvents', 'EventPage'],
    ['GET v1 events/{event_id}', 'Events_GetEvent', 'ConversationEvent'],
    ['DELETE v1 events/{event_id}', 'Events_DeleteEvents', 'Empty'],
  ],
  Webhooks: [
    ['GET v1 apps/{app_id}/webhooks', 'Webhooks_ListWebhooks', 'WebhookList'],
    ['POST v1 webhooks', 'Webhooks_CreateWebhook', 'Webhook'],
    ['GET v1 webhooks/{webhook_id}', 'Webhooks_GetWebhook', 'Webhook'],
    ['PATCH v1 webhooks/{webhook_id}', 'Webhooks_UpdateWebhook', 'Webhook'],
    ['DELETE v1 webhooks/{webhook_id}', 'Webhooks_DeleteWebhook', 'Empty'],
  ],
  Capability: [['POST v1 capability:query', 'Capability_QueryCapability', 'Capability']],
  Consents: [
    ['GET v1 apps/{app_id}/consents/{list_type}', 'Consents_GetConsents', 'ConsentPage'],
    [
      'GET v1 apps/{app_id}/consents/identities/{identity}',
      'Consents_GetConsentsAuditRecords',
      'ConsentRecords',
    ],
  ],
  'Project settings': [
    ['POST v1 settings', 'ProjectSettings_CreateSettings', 'ProjectSettings'],
    ['GET v1 settings', 'ProjectSettings_GetSettings', 'ProjectSettings'],
    ['PATCH v1 settings', 'ProjectSettings_UpdateSettings', 'ProjectSettings'],
    ['DELETE v1 settings', 'ProjectSettings_DeleteSettings', 'Empty'],
  ],
  Templates: [
    ['GET v2 templates', 'Templates_v2_ListTemplates', 'TemplateList'],
    ['POST v2 templates', 'Templates_v2_CreateTemplate', 'Template', 'Template'],
    ['GET v2 templates/{template_id}', 'Templates_v2_GetTemplate', 'Template'],
    ['PUT v2 templates/{template_id}', 'Templates_v2_UpdateTemplate', 'Template', 'Template'],
    ['DELETE v2 templates/{template_id}', 'Templates_v2_DeleteTemplate', 'Empty'],
    ['GET v2 templates/{template_id}/translations', 'Templates_v2_ListTranslations', 'TranslationList'],
  ],
};

/** By method and path, such as `GET /v1/projects/{project_id}/apps`. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries(TABLE).flatMap(([tag, rows]) =>
    rows.map(([route, id, answer, body]): [string, Operation] => [
      route.replace(/^(\w+) (v\d) /, '$1 /$2/projects/{project_id}/'),
      { id, tag, answer, ...(body ? { body } : {}) },
    ]),
  ),
);
