import { Field, ID, InputType, Int, registerEnumType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import {
  ArrayUnique,
  IsEnum,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { IfGiven, Trimmed } from '../api/marks.js';
import { MAX_TARGET } from '../outbound/target-url.js';
import { WebhookTrigger } from './trigger.js';

/** Source: Conversation API, limits. */
const MAX_SECRET = 256;
const MAX_SCOPE = 1024;
const MAX_RESPONSE_TYPE = 64;
const MAX_CREDENTIAL = 1024;
/** A week. */
const MAX_PREVIOUS_SECRET_SECONDS = 7 * 24 * 3_600;

export enum WebhookTargetType {
  HTTP = 'HTTP',
  DISMISS = 'DISMISS',
}

registerEnumType(WebhookTargetType, {
  name: 'WebhookTargetType',
  description: 'Whether a webhook sends anything.',
  valuesMap: {
    HTTP: { description: 'Events are posted to the target.' },
    DISMISS: { description: 'Nothing is sent.' },
  },
});

registerEnumType(WebhookTrigger, {
  name: 'WebhookTrigger',
  description: 'What a webhook can be told of.',
  valuesMap: {
    UNSPECIFIED_TRIGGER: { description: 'Never sent.' },
    MESSAGE_INBOUND: { description: 'A person wrote.' },
    MESSAGE_INBOUND_SMART_CONVERSATION_REDACTION: {
      description: 'A message with personal data masked. Accepted, never sent: nothing is masked here.',
    },
    MESSAGE_SUBMIT: { description: 'A message was handed to a channel.' },
    MESSAGE_DELIVERY: { description: 'The status of a message changed.' },
    EVENT_INBOUND: { description: 'A person did something beside writing: typed, reacted, read.' },
    EVENT_DELIVERY: { description: 'The status of an event that was sent changed.' },
    CONVERSATION_START: { description: 'A conversation began.' },
    CONVERSATION_STOP: { description: 'A conversation was stopped.' },
    CONVERSATION_DELETE: { description: 'A conversation was deleted.' },
    CONTACT_CREATE: { description: 'A contact was made.' },
    CONTACT_DELETE: { description: 'A contact was deleted.' },
    CONTACT_UPDATE: { description: 'A contact changed.' },
    CONTACT_MERGE: { description: 'Two contacts became one.' },
    CONTACT_IDENTITIES_DUPLICATION: {
      description: 'Contacts share an identity. Accepted, never sent: see identityConflicts.',
    },
    CAPABILITY: {
      description: 'Whether a recipient can be reached on a channel, as a capability query asked.',
    },
    OPT_IN: { description: 'A person opted in. Accepted, never sent.' },
    OPT_OUT: { description: 'A person opted out. Accepted, never sent.' },
    CHANNEL_EVENT: {
      description: 'Something about a channel as a whole. Accepted, never sent: see ChannelUpdated.',
    },
    UNSUPPORTED: {
      description: 'A channel told something that has no form here; its own JSON is passed on.',
    },
    SMART_CONVERSATION: {
      description: 'What an analysis of a message found. Accepted, never sent: nothing is analysed here.',
    },
    SMART_CONVERSATIONS: { description: 'Another spelling of SMART_CONVERSATION.' },
    RECORD_NOTIFICATION: { description: 'A record of a message for accounting. Accepted, never sent.' },
    BATCH_STATUS_UPDATE: {
      description: 'Progress of a batch. Accepted, never sent: there is no batch API here.',
    },
  },
});

export enum TokenRequestType {
  BASIC = 'BASIC',
  FORM = 'FORM',
}

registerEnumType(TokenRequestType, {
  name: 'TokenRequestType',
  description:
    'Where the client id and secret go in a token request: a Basic authorization header, or the form.',
  valuesMap: {
    BASIC: { description: 'In a Basic authorization header.' },
    FORM: { description: 'In the form, as client_id and client_secret.' },
  },
});

@InputType({
  description: 'Has each delivery carry a bearer token, got by the OAuth 2 client credentials grant.',
})
export class ClientCredentialsInput {
  @Field({ description: 'URL of the token endpoint.' })
  @Trimmed()
  @IsString()
  @MaxLength(MAX_TARGET)
  endpoint!: string;

  @Field({ description: 'Who asks for the token; at most 1,024 characters.' })
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_CREDENTIAL)
  clientId!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Stored encrypted and never given back. Absent in an update: the stored one is kept.',
  })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_CREDENTIAL)
  clientSecret?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'What the token is asked for; at most 1,024 characters.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_SCOPE)
  scope?: string | null;

  @Field(() => String, { nullable: true, description: 'Passed on as it is.' })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_RESPONSE_TYPE)
  responseType?: string | null;

  @Field(() => TokenRequestType, { nullable: true, description: 'BASIC when absent.' })
  @IsOptional()
  @IsEnum(TokenRequestType)
  tokenRequestType?: TokenRequestType | null;
}

@InputType({ description: 'A new webhook.' })
export class CreateWebhookInput {
  @Field(() => ID, { description: 'The app whose events it is told of.' })
  @IsString()
  @IsNotEmpty()
  appId!: string;

  @Field({ description: `http or https URL of at most ${MAX_TARGET} characters; each of an app only once.` })
  @Trimmed()
  @IsString()
  @MaxLength(MAX_TARGET)
  target!: string;

  @Field(() => WebhookTargetType, { nullable: true, description: 'HTTP when absent.' })
  @IsOptional()
  @IsEnum(WebhookTargetType)
  targetType?: WebhookTargetType | null;

  @Field(() => String, {
    nullable: true,
    description: `Signs the deliveries; at most ${MAX_SECRET} characters. Stored encrypted and never given back. Absent or empty: unsigned.`,
  })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_SECRET)
  secret?: string | null;

  @Field(() => [WebhookTrigger], { nullable: true, description: 'None when absent.' })
  @IsOptional()
  @ArrayUnique()
  @IsEnum(WebhookTrigger, { each: true })
  triggers?: WebhookTrigger[] | null;

  @Field(() => ClientCredentialsInput, {
    nullable: true,
    description: 'How to get the bearer tokens of its deliveries; they carry none when left out.',
  })
  @IsOptional()
  @ValidateNested()
  @Type(() => ClientCredentialsInput)
  clientCredentials?: ClientCredentialsInput | null;
}

@InputType({
  description:
    'What is absent stays as it is. Any update enables a webhook that was disabled, and tries its target at once.',
})
export class UpdateWebhookInput {
  @Field(() => String, {
    nullable: true,
    description: `http or https URL of at most ${MAX_TARGET} characters; each of an app only once.`,
  })
  @Trimmed()
  @IfGiven()
  @IsString()
  @MaxLength(MAX_TARGET)
  target?: string;

  @Field(() => WebhookTargetType, { nullable: true, description: 'Whether anything is sent.' })
  @IfGiven()
  @IsEnum(WebhookTargetType)
  targetType?: WebhookTargetType;

  @Field(() => String, {
    nullable: true,
    description: `At most ${MAX_SECRET} characters. Null or empty: deliveries are unsigned from now on. The one that it replaces signs as well for a while, see previousSecretSeconds.`,
  })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_SECRET)
  secret?: string | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'How long the secret before this one goes on signing beside it in webhook-signature, in seconds: a day when left out, a week at most, 0 not at all. Without a new secret it is how long a previous one still does. x-sinch-webhook-signature is always by the newest.',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_PREVIOUS_SECRET_SECONDS)
  previousSecretSeconds?: number | null;

  @Field(() => [WebhookTrigger], { nullable: true, description: 'The whole list.' })
  @IfGiven()
  @ArrayUnique()
  @IsEnum(WebhookTrigger, { each: true })
  triggers?: WebhookTrigger[];

  @Field(() => ClientCredentialsInput, {
    nullable: true,
    description: 'Null: deliveries carry no token from now on.',
  })
  @IsOptional()
  @ValidateNested()
  @Type(() => ClientCredentialsInput)
  clientCredentials?: ClientCredentialsInput | null;
}
