import { Field, Float, InputType, Int } from '@nestjs/graphql';
import { IsInt, IsNumber, IsOptional, Matches, Min } from 'class-validator';
import { MAX_NAME, MAX_TEXT, MAX_TITLE, NestedList, OptionalNested, OptionalText, Text } from './marks.js';
import { MediaMessageInput } from './media.input.js';

/** The Conversation API names no limit; this bounds what one message can cost. */
const MAX_ENTRIES = 100;

@InputType({ description: 'An entry of a list that the person can pick.' })
export class ChoiceItemInput {
  @Field({ description: 'The label.' })
  @Text(MAX_TITLE)
  title!: string;

  @Field(() => String, { nullable: true, description: 'Shown below the label.' })
  @OptionalText(MAX_TEXT)
  description?: string | null;

  @Field(() => MediaMessageInput, { nullable: true, description: 'A picture beside it.' })
  @OptionalNested(() => MediaMessageInput)
  media?: MediaMessageInput | null;

  @Field(() => String, {
    nullable: true,
    description: 'Comes back when the person picks the entry; {messageId}_{title} when left out.',
  })
  @OptionalText(MAX_TEXT)
  postbackData?: string | null;
}

@InputType({ description: 'A product of a catalogue.' })
export class ProductItemInput {
  @Field({ description: 'Its id in the catalogue.' })
  @Text(MAX_NAME)
  id!: string;

  @Field({ description: 'Where the catalogue is, e.g. FACEBOOK.' })
  @Text(MAX_NAME)
  marketplace!: string;

  @Field(() => Int, { nullable: true, description: 'How many.' })
  @IsOptional()
  @IsInt()
  @Min(0)
  quantity?: number | null;

  @Field(() => Float, { nullable: true, description: 'Price of one.' })
  @IsOptional()
  @IsNumber()
  @Min(0)
  itemPrice?: number | null;

  @Field(() => String, { nullable: true, description: 'ISO 4217 code of the price, e.g. EUR.' })
  @IsOptional()
  @Matches(/^[A-Za-z]{3}$/, { message: 'currency must be three letters' })
  currency?: string | null;
}

@InputType({ description: 'One entry: exactly one of choice and product.' })
export class ListItemInput {
  @Field(() => ChoiceItemInput, { nullable: true, description: 'An entry that the person can pick.' })
  @OptionalNested(() => ChoiceItemInput)
  choice?: ChoiceItemInput | null;

  @Field(() => ProductItemInput, { nullable: true, description: 'A product of the catalogue.' })
  @OptionalNested(() => ProductItemInput)
  product?: ProductItemInput | null;
}

@InputType({ description: 'Entries under a heading.' })
export class ListSectionInput {
  @Field(() => String, { nullable: true, description: 'The heading.' })
  @OptionalText(MAX_TITLE)
  title?: string | null;

  @Field(() => [ListItemInput], { description: 'All choices or all products; 1 to 100, in order.' })
  @NestedList(() => ListItemInput, MAX_ENTRIES)
  items!: ListItemInput[];
}

@InputType({ description: 'What some lists need besides.' })
export class ListMessagePropertiesInput {
  @Field(() => String, { nullable: true, description: 'The catalogue; required with products.' })
  @OptionalText(MAX_NAME)
  catalogId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Label of the button that opens the list, where the channel hides it behind one.',
  })
  @OptionalText(MAX_TITLE)
  menu?: string | null;
}

@InputType({ description: 'A list of choices or products, in sections.' })
export class ListMessageInput {
  @Field({ description: 'Shown first.' })
  @Text(MAX_TITLE)
  title!: string;

  @Field(() => String, { nullable: true, description: 'Shown below the title.' })
  @OptionalText(MAX_TEXT)
  description?: string | null;

  @Field(() => MediaMessageInput, { nullable: true, description: 'A picture on top.' })
  @OptionalNested(() => MediaMessageInput)
  media?: MediaMessageInput | null;

  @Field(() => [ListSectionInput], { description: '1 to 100 sections, in order.' })
  @NestedList(() => ListSectionInput, MAX_ENTRIES)
  sections!: ListSectionInput[];

  @Field(() => ListMessagePropertiesInput, { nullable: true, description: 'What some lists need besides.' })
  @OptionalNested(() => ListMessagePropertiesInput)
  messageProperties?: ListMessagePropertiesInput | null;
}
