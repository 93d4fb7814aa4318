import { Field, Float, Int, ObjectType } from '@nestjs/graphql';
import type {
  ListItem as ItemContent,
  ListMessage as ListContent,
  ProductItem as ProductContent,
} from '../../content/app-message.js';
import type { ProductResponseMessage as ProductResponseContent } from '../../content/contact-message.js';
import { MediaMessage, mediaOf } from './media.graphql.js';

@ObjectType({ description: 'An entry of a list that the person can pick.' })
export class ChoiceItem {
  @Field({ description: 'The label.' })
  title!: string;

  @Field(() => String, { nullable: true, description: 'Shown below the label.' })
  description!: string | null;

  @Field(() => MediaMessage, { nullable: true, description: 'A picture beside it.' })
  media!: MediaMessage | null;

  @Field({ description: 'Comes back when the person picks the entry.' })
  postbackData!: string;
}

@ObjectType({ description: 'A product of a catalogue.' })
export class ProductItem {
  @Field({ description: 'Its id in the catalogue.' })
  id!: string;

  @Field({ description: 'Where the catalogue is, e.g. FACEBOOK.' })
  marketplace!: string;

  @Field(() => Int, { nullable: true, description: 'How many.' })
  quantity!: number | null;

  @Field(() => Float, { nullable: true, description: 'Price of one.' })
  itemPrice!: number | null;

  @Field(() => String, { nullable: true, description: 'ISO 4217 code of the price.' })
  currency!: string | null;
}

@ObjectType({ description: 'One entry: exactly one of the fields is set.' })
export class ListItem {
  @Field(() => ChoiceItem, { nullable: true, description: 'An entry that the person can pick.' })
  choice!: ChoiceItem | null;

  @Field(() => ProductItem, { nullable: true, description: 'A product of the catalogue.' })
  product!: ProductItem | null;
}

@ObjectType({ description: 'Entries under a heading.' })
export class ListSection {
  @Field({ description: 'The heading; empty when there is none.' })
  title!: string;

  @Field(() => [ListItem], { description: 'All choices or all products, in order.' })
  items!: ListItem[];
}

@ObjectType({ description: 'What some lists need besides.' })
export class ListMessageProperties {
  @Field(() => String, { nullable: true, description: 'The catalogue of the products.' })
  catalogId!: string | null;

  @Field(() => String, { nullable: true, description: 'Label of the button that opens the list.' })
  menu!: string | null;
}

@ObjectType({ description: 'A list of choices or products, in sections.' })
export class ListMessage {
  @Field({ description: 'Shown first.' })
  title!: string;

  @Field(() => String, { nullable: true, description: 'Shown below the title.' })
  description!: string | null;

  @Field(() => MediaMessage, { nullable: true, description: 'A picture on top.' })
  media!: MediaMessage | null;

  @Field(() => [ListSection], { description: 'The sections, in order.' })
  sections!: ListSection[];

  @Field(() => ListMessageProperties, { nullable: true, description: 'What some lists need besides.' })
  messageProperties!: ListMessageProperties | null;
}

@ObjectType({ description: 'Products of a list that the person picked.' })
export class ProductResponseMessage {
  @Field(() => [ProductItem], { description: 'The products.' })
  products!: ProductItem[];

  @Field({ description: 'What the person wrote with it; empty when there is nothing.' })
  title!: string;

  @Field(() => String, { nullable: true, description: 'The catalogue of the products.' })
  catalogId!: string | null;
}

export function listOf(list: ListContent): ListMessage {
  const { media, message_properties } = list;
  return {
    title: list.title,
    description: list.description ?? null,
    media: media ? mediaOf(media) : null,
    sections: list.sections.map(({ title, items }) => ({ title: title ?? '', items: items.map(itemOf) })),
    messageProperties: message_properties
      ? { catalogId: message_properties.catalog_id ?? null, menu: message_properties.menu ?? null }
      : null,
  };
}

export function productResponseOf(response: ProductResponseContent): ProductResponseMessage {
  return {
    products: response.products.map(productOf),
    title: response.title ?? '',
    catalogId: response.catalog_id ?? null,
  };
}

function itemOf({ choice, product }: ItemContent): ListItem {
  return {
    choice: choice
      ? {
          title: choice.title,
          description: choice.description ?? null,
          media: choice.media ? mediaOf(choice.media) : null,
          postbackData: choice.postback_data ?? '',
        }
      : null,
    product: product ? productOf(product) : null,
  };
}

function productOf(product: ProductContent): ProductItem {
  return {
    id: product.id,
    marketplace: product.marketplace,
    quantity: product.quantity ?? null,
    itemPrice: product.item_price ?? null,
    currency: product.currency ?? null,
  };
}
