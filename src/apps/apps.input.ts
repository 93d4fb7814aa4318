import { Field, InputType } from '@nestjs/graphql';
import { IsString, Length } from 'class-validator';
import { IfGiven, Trimmed } from '../api/marks.js';
import { AppSettingsInput } from './app-settings.input.js';

@InputType({ description: 'A new app. What is absent or null takes its default.' })
export class CreateAppInput extends AppSettingsInput {
  @Field({ description: '1 to 255 characters.' })
  @Trimmed()
  @IsString()
  @Length(1, 255)
  displayName!: string;
}

@InputType({ description: 'What is absent stays as it is, null is reset to its default.' })
export class UpdateAppInput extends AppSettingsInput {
  @Field(() => String, { nullable: true, description: '1 to 255 characters; has no default, so not null.' })
  @Trimmed()
  @IfGiven()
  @IsString()
  @Length(1, 255)
  displayName?: string;
}
