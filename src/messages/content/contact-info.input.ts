import { Field, InputType } from '@nestjs/graphql';
import { IsEmail, IsISO8601, IsOptional, Matches } from 'class-validator';
import {
  MAX_NAME,
  Nested,
  NestedList,
  OptionalNested,
  OptionalNestedList,
  OptionalText,
  PhoneNumber,
  Text,
  WebUrl,
} from './marks.js';

const MAX_ENTRIES = 50;
const TYPE = 'What kind it is, e.g. WORK or HOME.';

@InputType({ description: "A person's name." })
export class NameInfoInput {
  @Field({ description: 'The whole name.' })
  @Text(MAX_NAME)
  fullName!: string;

  @Field(() => String, { nullable: true, description: 'Given name.' })
  @OptionalText(MAX_NAME)
  firstName?: string | null;

  @Field(() => String, { nullable: true, description: 'Family name.' })
  @OptionalText(MAX_NAME)
  lastName?: string | null;

  @Field(() => String, { nullable: true, description: 'Middle name.' })
  @OptionalText(MAX_NAME)
  middleName?: string | null;

  @Field(() => String, { nullable: true, description: 'Before the name, e.g. Dr.' })
  @OptionalText(MAX_NAME)
  prefix?: string | null;

  @Field(() => String, { nullable: true, description: 'After the name, e.g. Jr.' })
  @OptionalText(MAX_NAME)
  suffix?: string | null;
}

@InputType({ description: 'A phone number of a person.' })
export class PhoneNumberInfoInput {
  @Field({ description: 'International number, with or without the leading +.' })
  @PhoneNumber()
  phoneNumber!: string;

  @Field(() => String, { nullable: true, description: TYPE })
  @OptionalText(MAX_NAME)
  type?: string | null;
}

@InputType({ description: 'A postal address of a person.' })
export class AddressInfoInput {
  @Field(() => String, { nullable: true, description: 'Town.' })
  @OptionalText(MAX_NAME)
  city?: string | null;

  @Field(() => String, { nullable: true, description: 'Country, by name.' })
  @OptionalText(MAX_NAME)
  country?: string | null;

  @Field(() => String, { nullable: true, description: 'State or province.' })
  @OptionalText(MAX_NAME)
  state?: string | null;

  @Field(() => String, { nullable: true, description: 'Street and number.' })
  @OptionalText(MAX_NAME)
  street?: string | null;

  @Field(() => String, { nullable: true, description: 'Postal code.' })
  @OptionalText(MAX_NAME)
  zip?: string | null;

  @Field(() => String, { nullable: true, description: TYPE })
  @OptionalText(MAX_NAME)
  type?: string | null;

  @Field(() => String, { nullable: true, description: 'Country, by its two letters.' })
  @IsOptional()
  @Matches(/^[A-Za-z]{2}$/, { message: 'countryCode must be two letters' })
  countryCode?: string | null;
}

@InputType({ description: 'An e-mail address of a person.' })
export class EmailInfoInput {
  @Field({ description: 'The address.' })
  @IsEmail()
  emailAddress!: string;

  @Field(() => String, { nullable: true, description: TYPE })
  @OptionalText(MAX_NAME)
  type?: string | null;
}

@InputType({ description: 'Where a person works.' })
export class OrganizationInfoInput {
  @Field(() => String, { nullable: true, description: 'The company.' })
  @OptionalText(MAX_NAME)
  company?: string | null;

  @Field(() => String, { nullable: true, description: 'The department.' })
  @OptionalText(MAX_NAME)
  department?: string | null;

  @Field(() => String, { nullable: true, description: "The person's title there." })
  @OptionalText(MAX_NAME)
  title?: string | null;
}

@InputType({ description: 'A page of a person.' })
export class UrlInfoInput {
  @Field({ description: 'http or https address.' })
  @WebUrl()
  url!: string;

  @Field(() => String, { nullable: true, description: TYPE })
  @OptionalText(MAX_NAME)
  type?: string | null;
}

@InputType({ description: 'How to reach a person: a business card.' })
export class ContactInfoMessageInput {
  @Field(() => NameInfoInput, { description: 'Who it is.' })
  @Nested(() => NameInfoInput)
  name!: NameInfoInput;

  @Field(() => [PhoneNumberInfoInput], { description: 'Phone numbers, at least one.' })
  @NestedList(() => PhoneNumberInfoInput, MAX_ENTRIES)
  phoneNumbers!: PhoneNumberInfoInput[];

  @Field(() => [AddressInfoInput], { nullable: true, description: 'Postal addresses.' })
  @OptionalNestedList(() => AddressInfoInput, MAX_ENTRIES)
  addresses?: AddressInfoInput[] | null;

  @Field(() => [EmailInfoInput], { nullable: true, description: 'E-mail addresses.' })
  @OptionalNestedList(() => EmailInfoInput, MAX_ENTRIES)
  emailAddresses?: EmailInfoInput[] | null;

  @Field(() => OrganizationInfoInput, { nullable: true, description: 'Where the person works.' })
  @OptionalNested(() => OrganizationInfoInput)
  organization?: OrganizationInfoInput | null;

  @Field(() => [UrlInfoInput], { nullable: true, description: 'Pages.' })
  @OptionalNestedList(() => UrlInfoInput, MAX_ENTRIES)
  urls?: UrlInfoInput[] | null;

  @Field(() => String, { nullable: true, description: 'A day of the calendar, YYYY-MM-DD.' })
  @IsOptional()
  @Matches(/^\d{4}-\d{2}-\d{2}$/, { message: 'birthday must be YYYY-MM-DD' })
  @IsISO8601({ strict: true }, { message: 'birthday must be a day of the calendar' })
  birthday?: string | null;
}
