import { Field, InputType } from '@nestjs/graphql';
import { CardMessageInput, CarouselMessageInput } from './card.input.js';
import { ChoiceMessageInput } from './choice.input.js';
import { ContactInfoMessageInput } from './contact-info.input.js';
import { ListMessageInput } from './list.input.js';
import { OptionalNested } from './marks.js';
import { LocationMessageInput, MediaMessageInput, TextMessageInput } from './media.input.js';

/** What every channel is told in the same words. */
@InputType({ isAbstract: true })
export abstract class GenericContentInput {
  @Field(() => TextMessageInput, { nullable: true, description: 'A plain text.' })
  @OptionalNested(() => TextMessageInput)
  textMessage?: TextMessageInput | null;

  @Field(() => MediaMessageInput, { nullable: true, description: 'An image, audio, video or file.' })
  @OptionalNested(() => MediaMessageInput)
  mediaMessage?: MediaMessageInput | null;

  @Field(() => CardMessageInput, { nullable: true, description: 'A card.' })
  @OptionalNested(() => CardMessageInput)
  cardMessage?: CardMessageInput | null;

  @Field(() => CarouselMessageInput, { nullable: true, description: 'Cards side by side.' })
  @OptionalNested(() => CarouselMessageInput)
  carouselMessage?: CarouselMessageInput | null;

  @Field(() => ChoiceMessageInput, { nullable: true, description: 'A question with choices.' })
  @OptionalNested(() => ChoiceMessageInput)
  choiceMessage?: ChoiceMessageInput | null;

  @Field(() => ListMessageInput, { nullable: true, description: 'A list of choices or products.' })
  @OptionalNested(() => ListMessageInput)
  listMessage?: ListMessageInput | null;

  @Field(() => LocationMessageInput, { nullable: true, description: 'A place.' })
  @OptionalNested(() => LocationMessageInput)
  locationMessage?: LocationMessageInput | null;

  @Field(() => ContactInfoMessageInput, { nullable: true, description: 'How to reach a person.' })
  @OptionalNested(() => ContactInfoMessageInput)
  contactInfoMessage?: ContactInfoMessageInput | null;
}
