import { Field, InputType, registerEnumType } from '@nestjs/graphql';
import { IsEnum, IsOptional } from 'class-validator';
import { ChoiceInput, MAX_CHOICES } from './choice.input.js';
import {
  MAX_TEXT,
  MAX_TITLE,
  NestedList,
  OptionalNested,
  OptionalNestedList,
  OptionalText,
} from './marks.js';
import { MediaMessageInput } from './media.input.js';

const MAX_CARDS = 10;
const MAX_OUTER_CHOICES = 3;

export enum CardHeight {
  UNSPECIFIED_HEIGHT = 'UNSPECIFIED_HEIGHT',
  SHORT = 'SHORT',
  MEDIUM = 'MEDIUM',
  TALL = 'TALL',
}
registerEnumType(CardHeight, {
  name: 'CardHeight',
  description: 'How high the media of a card is shown.',
  valuesMap: {
    UNSPECIFIED_HEIGHT: { description: "The channel's own choice." },
    SHORT: { description: 'Low; RCS: 112 DP.' },
    MEDIUM: { description: 'In between; RCS: 168 DP.' },
    TALL: { description: 'High; RCS: 264 DP.' },
  },
});

@InputType({ description: 'A card: at least one of title, description, mediaMessage and choices.' })
export class CardMessageInput {
  @Field(() => String, { nullable: true, description: 'Shown first.' })
  @OptionalText(MAX_TITLE)
  title?: string | null;

  @Field(() => String, { nullable: true, description: 'Shown below the title.' })
  @OptionalText(MAX_TEXT)
  description?: string | null;

  @Field(() => MediaMessageInput, {
    nullable: true,
    description: 'A picture, or what else the channel can show on a card.',
  })
  @OptionalNested(() => MediaMessageInput)
  mediaMessage?: MediaMessageInput | null;

  @Field(() => [ChoiceInput], { nullable: true, description: 'At most 10 choices, in order.' })
  @OptionalNestedList(() => ChoiceInput, MAX_CHOICES)
  choices?: ChoiceInput[] | null;

  @Field(() => CardHeight, {
    nullable: true,
    description: 'Height of the media, where the channel has a choice.',
  })
  @IsOptional()
  @IsEnum(CardHeight)
  height?: CardHeight | null;
}

@InputType({ description: 'Cards side by side.' })
export class CarouselMessageInput {
  @Field(() => [CardMessageInput], { description: '1 to 10 cards, in order.' })
  @NestedList(() => CardMessageInput, MAX_CARDS)
  cards!: CardMessageInput[];

  @Field(() => [ChoiceInput], { nullable: true, description: 'At most 3 choices under all the cards.' })
  @OptionalNestedList(() => ChoiceInput, MAX_OUTER_CHOICES)
  choices?: ChoiceInput[] | null;
}
