// What requests are answered with. Source: Conversation API, resources; the shapes are made in the wire files.
import { DATA, listOf, mapOf, objectOf, refTo, type Schema, TEXT, TIME } from './openapi.schemas.js';

const FLAG: Schema = { type: 'boolean' };
const COUNT: Schema = { type: 'integer' };
const ENABLED = objectOf({ enabled: FLAG });
const oneOf = (...values: string[]): Schema => ({ type: 'string', enum: values });
const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });

const RETENTION = objectOf({
  retention_type: oneOf('MESSAGE_EXPIRE_POLICY', 'CONVERSATION_EXPIRE_POLICY', 'PERSIST_RETENTION_POLICY'),
  ttl_days: COUNT,
});
const MODE = oneOf('CONVERSATION', 'DISPATCH');
const DIRECTION = oneOf('TO_APP', 'TO_CONTACT');

const page = (name: string, item: string): Schema =>
  objectOf({ [name]: listOf(refTo(item)), next_page_token: TEXT }, [name, 'next_page_token']);

export const ANSWERS: Readonly<Record<string, Schema>> = {
  Empty: { type: 'object', description: 'Nothing.' },
  App: objectOf({
    id: TEXT,
    display_name: TEXT,
    channel_credentials: listOf(refTo('ChannelCredential')),
    conversation_metadata_report_view: oneOf('NONE', 'FULL'),
    processing_mode: MODE,
    callback_settings: objectOf({ secret_for_overridden_callback_urls: TEXT }),
    retention_policy: RETENTION,
    dispatch_retention_policy: RETENTION,
    smart_conversation: ENABLED,
    message_retry_settings: orNull(objectOf({ retry_duration: COUNT })),
    delivery_report_based_fallback: objectOf({ enabled: FLAG, delivery_report_waiting_time: COUNT }),
    rate_limits: objectOf({ inbound: COUNT, outbound: COUNT, webhooks: COUNT }),
    queue_stats: objectOf({ outbound_size: COUNT, outbound_limit: COUNT }),
    persist_message_status: ENABLED,
    message_search: ENABLED,
  }),
  ChannelCredential: {
    ...objectOf(
      {
        channel: TEXT,
        callback_secret: TEXT,
        credential_ordinal_number: COUNT,
        channel_known_id: { ...TEXT, readOnly: true },
        state: {
          ...objectOf({ status: oneOf('PENDING', 'ACTIVE', 'FAILING'), description: TEXT }),
          readOnly: true,
        },
      },
      ['channel'],
    ),
    additionalProperties: DATA,
    description:
      "With the channel's credential object, such as static_token {token} of MESSENGER or static_bearer {claimed_identity, token} of SMS. Secrets come back masked; writing the mask keeps what is stored.",
  },
  AppList: objectOf({ apps: listOf(refTo('App')) }, ['apps']),
  Webhook: objectOf({
    id: TEXT,
    app_id: TEXT,
    target: TEXT,
    target_type: oneOf('HTTP', 'DISMISS'),
    secret: TEXT,
    triggers: listOf(TEXT),
    client_credentials: orNull(DATA),
  }),
  WebhookList: objectOf({ webhooks: listOf(refTo('Webhook')) }, ['webhooks']),
  ChannelIdentity: objectOf({ channel: TEXT, identity: TEXT, app_id: TEXT }, ['channel', 'identity']),
  Contact: objectOf({
    id: TEXT,
    channel_identities: listOf(refTo('ChannelIdentity')),
    channel_priority: listOf(TEXT),
    display_name: TEXT,
    email: TEXT,
    external_id: TEXT,
    metadata: TEXT,
    language: TEXT,
  }),
  ContactPage: page('contacts', 'Contact'),
  ContactExport: { ...DATA, description: 'All that is kept of a person.' },
  ChannelProfile: objectOf({ profile_name: TEXT }, ['profile_name']),
  IdentityConflict: objectOf({ identity: TEXT, channels: listOf(TEXT), contact_ids: listOf(TEXT) }),
  IdentityConflictPage: page('conflicts', 'IdentityConflict'),
  Conversation: objectOf({
    id: TEXT,
    app_id: TEXT,
    contact_id: TEXT,
    last_received: TIME,
    active_channel: TEXT,
    active: FLAG,
    metadata: TEXT,
    metadata_json: orNull(DATA),
    correlation_id: TEXT,
    active_channel_senders: listOf(DATA),
  }),
  ConversationPage: objectOf({
    conversations: listOf(refTo('Conversation')),
    next_page_token: TEXT,
    total_size: COUNT,
  }),
  RecentConversationPage: objectOf({
    conversations: listOf(
      objectOf({ conversation: refTo('Conversation'), last_message: orNull(refTo('ConversationMessage')) }),
    ),
    next_page_token: TEXT,
    total_size: COUNT,
  }),
  ConversationMessage: objectOf({
    id: TEXT,
    direction: DIRECTION,
    app_message: refTo('AppMessageInput'),
    contact_message: DATA,
    channel_identity: refTo('ChannelIdentity'),
    conversation_id: TEXT,
    contact_id: TEXT,
    metadata: TEXT,
    accept_time: TIME,
    sender_id: TEXT,
    processing_mode: MODE,
    injected: FLAG,
  }),
  MessagePage: page('messages', 'ConversationMessage'),
  SendMessageResponse: objectOf({ message_id: TEXT, accepted_time: TIME }, ['message_id', 'accepted_time']),
  TranscodeMessageResponse: objectOf({
    transcoded_message: {
      ...mapOf(TEXT),
      description: "By channel: the channel's own payload as JSON text, or a list of them.",
    },
  }),
  ConversationEvent: objectOf({
    id: TEXT,
    direction: DIRECTION,
    app_event: DATA,
    contact_event: DATA,
    contact_message_event: DATA,
    channel_identity: refTo('ChannelIdentity'),
    conversation_id: TEXT,
    contact_id: TEXT,
    accept_time: TIME,
    processing_mode: MODE,
  }),
  EventPage: page('events', 'ConversationEvent'),
  SendEventResponse: objectOf({ event_id: TEXT, accepted_time: TIME }, ['event_id', 'accepted_time']),
  Capability: objectOf({ app_id: TEXT, recipient: DATA, request_id: TEXT }),
  ConsentIdentity: objectOf({ identity: TEXT }, ['identity']),
  ConsentPage: page('identities', 'ConsentIdentity'),
  ConsentRecords: objectOf({
    identity: refTo('ConsentIdentity'),
    audit_records: listOf(
      objectOf({
        origin: oneOf('ORIGIN_API', 'ORIGIN_MO'),
        operation: oneOf('OPERATION_INSERT', 'OPERATION_UPDATE', 'OPERATION_DELETE'),
        list_type: TEXT,
        project_id: TEXT,
        app_id: TEXT,
        datetime: TIME,
      }),
    ),
  }),
  ProjectSettings: objectOf({
    project_id: TEXT,
    settings: objectOf({ contact_settings: objectOf({ unified_contact_id_enabled: FLAG }) }),
  }),
  Template: objectOf({
    id: TEXT,
    description: TEXT,
    version: COUNT,
    default_translation: TEXT,
    translations: listOf(refTo('TemplateTranslation')),
    create_time: TIME,
    update_time: TIME,
  }),
  TemplateTranslation: {
    ...objectOf({
      language_code: TEXT,
      version: TEXT,
      variables: listOf(objectOf({ key: TEXT, preview_value: TEXT })),
      channel_template_overrides: mapOf(DATA),
      create_time: { ...TIME, readOnly: true },
      update_time: { ...TIME, readOnly: true },
    }),
    additionalProperties: DATA,
    description: 'With the message field that it says, such as text_message.',
  },
  TemplateList: objectOf({ templates: listOf(refTo('Template')) }, ['templates']),
  TranslationList: objectOf({ translations: listOf(refTo('TemplateTranslation')) }, ['translations']),
  AccessToken: objectOf({ access_token: TEXT, expires_in: COUNT, scope: TEXT, token_type: oneOf('bearer') }, [
    'access_token',
    'expires_in',
    'scope',
    'token_type',
  ]),
  Error: objectOf(
    {
      error: objectOf(
        {
          code: { ...COUNT, description: 'The HTTP status.' },
          message: TEXT,
          status: { ...TEXT, description: 'Such as INVALID_ARGUMENT or NOT_FOUND.' },
          details: {
            ...listOf(DATA),
            description:
              'By @type: google.rpc.BadRequest with fieldViolations {field, description, reason}, google.rpc.RequestInfo with requestId.',
          },
        },
        ['code', 'message', 'status', 'details'],
      ),
    },
    ['error'],
  ),
};
