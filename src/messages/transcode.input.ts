import { ArgsType, Field, ID } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsEnum,
  IsNotEmpty,
  IsOptional,
  IsString,
  ValidateNested,
} from 'class-validator';
import type { ConversationChannel } from '../channels/channel.js';
import { ConversationChannelName } from '../channels/conversation-channel.js';
import { AppMessageInput } from './content/app-message.input.js';
import { DomainError } from '../errors.js';
import { appMessageOf } from './content/app-message.js';
import { ChannelPropertyInput } from './messages.input.js';
import type { TranscodeCommand } from './transcoding.service.js';

/** What to preview, and where. */
@ArgsType()
export class TranscodeMessageArgs {
  @Field(() => ID, { description: 'The app that would speak.' })
  @IsString()
  @IsNotEmpty()
  appId!: string;

  @Field(() => AppMessageInput, { description: 'What it would say.' })
  @ValidateNested()
  @Type(() => AppMessageInput)
  @IsNotEmpty()
  message!: AppMessageInput;

  @Field(() => [ConversationChannelName], {
    description: 'Channels to show it for, each once. They need not be connected to the app.',
  })
  @ArrayMinSize(1)
  @ArrayMaxSize(20)
  @ArrayUnique()
  @IsEnum(ConversationChannelName, { each: true })
  channels!: ConversationChannelName[];

  @Field(() => [ChannelPropertyInput], {
    nullable: true,
    description: 'As of sendMessage: properties that only one channel knows.',
  })
  @IsOptional()
  @ArrayMaxSize(50)
  @ValidateNested({ each: true })
  @Type(() => ChannelPropertyInput)
  channelProperties?: ChannelPropertyInput[] | null;
}

/** Checked arguments as the command that the service takes. @throws DomainError INVALID_ARGUMENT for rules that span fields. */
export function transcodeCommandOf(projectId: string, args: TranscodeMessageArgs): TranscodeCommand {
  return {
    projectId,
    appId: args.appId,
    message: appMessageOf(args.message, 'message'),
    channels: args.channels as string[] as ConversationChannel[],
    channelProperties: Object.fromEntries(
      (args.channelProperties ?? []).map(({ key, value }) => [key, value]),
    ),
  };
}

/** What other faces and requests call `message` is `app_message` in the Conversation API's own requests for a preview. */
export function aboutAppMessage(error: DomainError): DomainError {
  const renamed = (text: string): string => text.replace(/^message(?=[.:[]|$)/, 'appMessage');
  const fields = error.fields.map((field) => ({ ...field, path: renamed(field.path) }));
  return new DomainError(error.code, renamed(error.message), fields, error.kind);
}
