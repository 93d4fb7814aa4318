// What a person said, for messages that are put into a conversation later; otherwise only channels say it.
import { IsEnum, IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import type { ContactMessage } from '../../content/contact-message.js';
import { reason, REASON_CODES, type ReasonCode, type ReasonSubCode } from '../../content/reason.js';
import { invalid } from '../../errors.js';
import { jsonNames } from './json-names.js';
import { ProductItemInput } from './list.input.js';
import {
  MAX_NAME,
  MAX_PAYLOAD,
  MAX_TEXT,
  MAX_TITLE,
  Nested,
  NestedList,
  OptionalNested,
  OptionalText,
  Text,
  WebUrl,
} from './marks.js';
import { CoordinatesInput, MediaMessageInput, TextMessageInput } from './media.input.js';

const MAX_PRODUCTS = 100;

enum ReasonSubCodeName {
  UNSPECIFIED_SUB_CODE = 'UNSPECIFIED_SUB_CODE',
  ATTACHMENT_REJECTED = 'ATTACHMENT_REJECTED',
  MEDIA_TYPE_UNDETERMINED = 'MEDIA_TYPE_UNDETERMINED',
  INACTIVE_SENDER = 'INACTIVE_SENDER',
}

export class MediaCardMessageInput {
  @WebUrl()
  url!: string;

  @OptionalText(MAX_TEXT)
  caption?: string;
}

/** People name the place they are at less often than apps do. */
export class ContactLocationInput {
  @IsOptional()
  @IsString()
  @MaxLength(MAX_TITLE)
  title?: string;

  @OptionalText(MAX_TITLE)
  label?: string;

  @Nested(() => CoordinatesInput)
  coordinates!: CoordinatesInput;
}

export class ChoiceResponseMessageInput {
  @IsString()
  @MaxLength(MAX_NAME)
  messageId!: string;

  @IsString()
  @MaxLength(MAX_TEXT)
  postbackData!: string;
}

export class ProductResponseMessageInput {
  @NestedList(() => ProductItemInput, MAX_PRODUCTS)
  products!: ProductItemInput[];

  @OptionalText(MAX_TITLE)
  title?: string;

  /** Another name of the title. */
  @OptionalText(MAX_TITLE)
  text?: string;

  @OptionalText(MAX_NAME)
  catalogId?: string;
}

export class ReasonInput {
  @IsIn(REASON_CODES)
  code!: ReasonCode;

  @OptionalText(MAX_TEXT)
  description?: string;

  @IsOptional()
  @IsEnum(ReasonSubCodeName)
  subCode?: ReasonSubCodeName;

  @OptionalText(MAX_NAME)
  channelCode?: string;
}

export class FallbackMessageInput {
  @IsString()
  @MaxLength(MAX_PAYLOAD)
  rawMessage!: string;

  @OptionalNested(() => ReasonInput)
  reason?: ReasonInput;
}

export class ReplyToInput {
  @Text(MAX_NAME)
  messageId!: string;
}

export class ContactMessageInput {
  @OptionalNested(() => TextMessageInput)
  textMessage?: TextMessageInput;

  @OptionalNested(() => MediaMessageInput)
  mediaMessage?: MediaMessageInput;

  @OptionalNested(() => MediaCardMessageInput)
  mediaCardMessage?: MediaCardMessageInput;

  @OptionalNested(() => ContactLocationInput)
  locationMessage?: ContactLocationInput;

  @OptionalNested(() => ChoiceResponseMessageInput)
  choiceResponseMessage?: ChoiceResponseMessageInput;

  @OptionalNested(() => ProductResponseMessageInput)
  productResponseMessage?: ProductResponseMessageInput;

  @OptionalNested(() => FallbackMessageInput)
  fallbackMessage?: FallbackMessageInput;

  @OptionalNested(() => ReplyToInput)
  replyTo?: ReplyToInput;
}

const CONTENT = [
  'textMessage',
  'mediaMessage',
  'mediaCardMessage',
  'locationMessage',
  'choiceResponseMessage',
  'productResponseMessage',
  'fallbackMessage',
] as const satisfies (keyof ContactMessageInput)[];

/** A checked input as it is stored. @throws DomainError INVALID_ARGUMENT for the rule that spans fields; `path` is where it stands. */
export function contactMessageOf(input: ContactMessageInput, path: string): ContactMessage {
  if (CONTENT.filter((field) => input[field] != null).length !== 1)
    throw invalid(path, 'exactlyOne', `${path} must have exactly one of ${CONTENT.join(', ')}`);
  const { fallbackMessage, locationMessage, productResponseMessage, ...rest } = input;
  return {
    ...jsonNames(rest),
    ...(locationMessage
      ? { location_message: { ...jsonNames(locationMessage), title: locationMessage.title ?? '' } }
      : {}),
    ...(productResponseMessage
      ? { product_response_message: productResponseOf(productResponseMessage) }
      : {}),
    ...(fallbackMessage ? { fallback_message: fallbackOf(fallbackMessage) } : {}),
  };
}

function productResponseOf({
  text,
  title,
  ...rest
}: ProductResponseMessageInput): NonNullable<ContactMessage['product_response_message']> {
  const said = title ?? text;
  return { ...jsonNames(rest), ...(said == null ? {} : { title: said }) };
}

function fallbackOf({
  rawMessage,
  reason: why,
}: FallbackMessageInput): NonNullable<ContactMessage['fallback_message']> {
  const { code = 'UNKNOWN', description = '', channelCode, subCode = 'UNSPECIFIED_SUB_CODE' } = why ?? {};
  const sub_code: ReasonSubCode = subCode;
  return { raw_message: rawMessage, reason: { ...reason(code, description, channelCode), sub_code } };
}
