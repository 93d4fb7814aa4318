import { Controller } from '@nestjs/common';
import { IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { inputOf, type Plain, PlainBody, PostOk, PROJECT_V1 } from '../api/rest.js';
import { DomainError } from '../errors.js';
import { contentInputOf, propertiesOf, withFields } from './content/content.rest.js';
import { aboutAppMessage, transcodeCommandOf, TranscodeMessageArgs } from './transcode.input.js';
import { TranscodingService } from './transcoding.service.js';

/** What stands for the person where nobody was named, as at the vendor's. */
const SOMEBODY = '{{to}}';

class TranscodeMessageBody extends TranscodeMessageArgs {
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(255)
  to?: string;
}

/** Transcoding of the Conversation API. */
@Controller(PROJECT_V1)
export class TranscodeController {
  constructor(private readonly transcoding: TranscodingService) {}

  /** What each channel would be given, as JSON text: a payload, or where a message takes several, the list of them in order. */
  @PostOk('messages\\:transcode')
  async transcode(
    @CurrentCaller() { projectId }: Caller,
    @PlainBody(TranscodeMessageBody) body: Plain,
  ): Promise<{ transcoded_message: Record<string, string> }> {
    try {
      const input = await inputOf(TranscodeMessageBody, plainOf(body));
      const transcoded = await this.transcoding.transcode(transcodeCommandOf(projectId, input));
      const recipient = { id: input.to ?? SOMEBODY };
      const texts = transcoded.map(({ channel, payloads }) => {
        const bodies = payloads.map((payload) => ({ recipient, ...(payload as object) }));
        return [channel, JSON.stringify(bodies.length === 1 ? bodies[0] : bodies)];
      });
      return { transcoded_message: Object.fromEntries(texts) as Record<string, string> };
    } catch (error) {
      throw error instanceof DomainError ? aboutAppMessage(error) : error;
    }
  }
}

function plainOf({ appMessage, ...body }: Plain): Plain {
  return {
    ...withFields(body, { channelProperties: propertiesOf }),
    ...(appMessage == null ? {} : { message: contentInputOf(appMessage, 'message') }),
  };
}
