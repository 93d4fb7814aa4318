import { Field, ObjectType } from '@nestjs/graphql';
import type { ContactInfoMessage as ContactInfoContent } from '../../content/app-message.js';

const TYPE = 'What kind it is, e.g. WORK or HOME.';

@ObjectType({ description: "A person's name." })
export class NameInfo {
  @Field({ description: 'The whole name.' })
  fullName!: string;

  @Field(() => String, { nullable: true, description: 'Given name.' })
  firstName!: string | null;

  @Field(() => String, { nullable: true, description: 'Family name.' })
  lastName!: string | null;

  @Field(() => String, { nullable: true, description: 'Middle name.' })
  middleName!: string | null;

  @Field(() => String, { nullable: true, description: 'Before the name.' })
  prefix!: string | null;

  @Field(() => String, { nullable: true, description: 'After the name.' })
  suffix!: string | null;
}

@ObjectType({ description: 'A phone number of a person.' })
export class PhoneNumberInfo {
  @Field({ description: 'International number.' })
  phoneNumber!: string;

  @Field(() => String, { nullable: true, description: TYPE })
  type!: string | null;
}

@ObjectType({ description: 'A postal address of a person.' })
export class AddressInfo {
  @Field(() => String, { nullable: true, description: 'Town.' })
  city!: string | null;

  @Field(() => String, { nullable: true, description: 'Country, by name.' })
  country!: string | null;

  @Field(() => String, { nullable: true, description: 'State or province.' })
  state!: string | null;

  @Field(() => String, { nullable: true, description: 'Street and number.' })
  street!: string | null;

  @Field(() => String, { nullable: true, description: 'Postal code.' })
  zip!: string | null;

  @Field(() => String, { nullable: true, description: TYPE })
  type!: string | null;

  @Field(() => String, { nullable: true, description: 'Country, by its two letters.' })
  countryCode!: string | null;
}

@ObjectType({ description: 'An e-mail address of a person.' })
export class EmailInfo {
  @Field({ description: 'The address.' })
  emailAddress!: string;

  @Field(() => String, { nullable: true, description: TYPE })
  type!: string | null;
}

@ObjectType({ description: 'Where a person works.' })
export class OrganizationInfo {
  @Field(() => String, { nullable: true, description: 'The company.' })
  company!: string | null;

  @Field(() => String, { nullable: true, description: 'The department.' })
  department!: string | null;

  @Field(() => String, { nullable: true, description: "The person's title there." })
  title!: string | null;
}

@ObjectType({ description: 'A page of a person.' })
export class UrlInfo {
  @Field({ description: 'Its address.' })
  url!: string;

  @Field(() => String, { nullable: true, description: TYPE })
  type!: string | null;
}

@ObjectType({ description: 'How to reach a person: a business card.' })
export class ContactInfoMessage {
  @Field(() => NameInfo, { description: 'Who it is.' })
  name!: NameInfo;

  @Field(() => [PhoneNumberInfo], { description: 'Phone numbers.' })
  phoneNumbers!: PhoneNumberInfo[];

  @Field(() => [AddressInfo], { description: 'Postal addresses.' })
  addresses!: AddressInfo[];

  @Field(() => [EmailInfo], { description: 'E-mail addresses.' })
  emailAddresses!: EmailInfo[];

  @Field(() => OrganizationInfo, { nullable: true, description: 'Where the person works.' })
  organization!: OrganizationInfo | null;

  @Field(() => [UrlInfo], { description: 'Pages.' })
  urls!: UrlInfo[];

  @Field(() => String, { nullable: true, description: 'A day of the calendar, YYYY-MM-DD.' })
  birthday!: string | null;
}

export function contactInfoOf(info: ContactInfoContent): ContactInfoMessage {
  const { name, organization } = info;
  return {
    name: {
      fullName: name.full_name,
      firstName: name.first_name ?? null,
      lastName: name.last_name ?? null,
      middleName: name.middle_name ?? null,
      prefix: name.prefix ?? null,
      suffix: name.suffix ?? null,
    },
    phoneNumbers: info.phone_numbers.map(({ phone_number, type = null }) => ({
      phoneNumber: phone_number,
      type,
    })),
    addresses: (info.addresses ?? []).map((address) => ({
      city: address.city ?? null,
      country: address.country ?? null,
      state: address.state ?? null,
      street: address.street ?? null,
      zip: address.zip ?? null,
      type: address.type ?? null,
      countryCode: address.country_code ?? null,
    })),
    emailAddresses: (info.email_addresses ?? []).map(({ email_address, type = null }) => ({
      emailAddress: email_address,
      type,
    })),
    organization: organization
      ? {
          company: organization.company ?? null,
          department: organization.department ?? null,
          title: organization.title ?? null,
        }
      : null,
    urls: (info.urls ?? []).map(({ url, type = null }) => ({ url, type })),
    birthday: info.birthday ?? null,
  };
}
