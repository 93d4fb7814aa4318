import { Field, InputType } from '@nestjs/graphql';
import { Transform } from 'class-transformer';
import { IsString, Length, ValidateIf } from 'class-validator';
import { AppSettingsInput } from './app-settings.input.js';

const trimmed = ({ value }: { value: unknown }): unknown =>
  typeof value === 'string' ? value.trim() : value;

@InputType({ description: 'A new app. What is absent or null takes its default.' })
export class CreateAppInput extends AppSettingsInput {
  @Field({ description: '1 to 255 characters.' })
  @Transform(trimmed)
  @IsString()
  @Length(1, 255)
  displayName!: string;
}

@InputType({ description: 'What is absent stays as it is, null is reset to its default.' })
export class UpdateAppInput extends AppSettingsInput {
  @Field(() => String, { nullable: true, description: '1 to 255 characters; has no default, so not null.' })
  @Transform(trimmed)
  @ValidateIf((_input: object, value: unknown) => value !== undefined)
  @IsString()
  @Length(1, 255)
  displayName?: string;
}
