import { Field, ObjectType } from '@nestjs/graphql';
import type {
  CardMessage as CardContent,
  CarouselMessage as CarouselContent,
} from '../../content/app-message.js';
import { CardHeight } from './card.input.js';
import { Choice, choiceOf } from './choice.graphql.js';
import { MediaMessage, mediaOf } from './media.graphql.js';

@ObjectType({ description: 'A card.' })
export class CardMessage {
  @Field({ description: 'Shown first; empty when there is none.' })
  title!: string;

  @Field(() => String, { nullable: true, description: 'Shown below the title.' })
  description!: string | null;

  @Field(() => MediaMessage, { nullable: true, description: 'A picture, or other media.' })
  mediaMessage!: MediaMessage | null;

  @Field(() => [Choice], { description: 'The choices, in order.' })
  choices!: Choice[];

  @Field(() => CardHeight, { description: 'Height of the media.' })
  height!: `${CardHeight}`;
}

@ObjectType({ description: 'Cards side by side.' })
export class CarouselMessage {
  @Field(() => [CardMessage], { description: 'The cards, in order.' })
  cards!: CardMessage[];

  @Field(() => [Choice], { description: 'Choices under all the cards.' })
  choices!: Choice[];
}

export function cardOf(card: CardContent): CardMessage {
  return {
    title: card.title ?? '',
    description: card.description ?? null,
    mediaMessage: card.media_message ? mediaOf(card.media_message) : null,
    choices: (card.choices ?? []).map(choiceOf),
    height: card.height ?? 'UNSPECIFIED_HEIGHT',
  };
}

export function carouselOf({ cards, choices = [] }: CarouselContent): CarouselMessage {
  return { cards: cards.map(cardOf), choices: choices.map(choiceOf) };
}
