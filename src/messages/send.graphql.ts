import {
  Args,
  Context,
  Field,
  ID,
  Mutation,
  ObjectType,
  Parent,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { setImmediate } from 'node:timers/promises';
import type { Caller } from '../access/caller.js';
import { CurrentCaller } from '../api/current-caller.js';
import { SPELLINGS } from '../api/error.table.js';
import { explain } from '../api/explain.js';
import type { GraphqlContext } from '../api/graphql-context.js';
import { InputPipe } from '../api/input.pipe.js';
import { OpenTo } from '../api/open-to.js';
import { DateTime } from '../api/scalars.js';
import { ContactsService } from '../contacts/contacts.service.js';
import { invalid } from '../errors.js';
import type { Accepted, SendCommand } from './command.js';
import { messageLoader, MessageType } from './messages.graphql.js';
import { SendMessageInput } from './messages.input.js';
import { MessagesService } from './messages.service.js';
import { assertWithinReach, outOfReach } from './reach.js';
import { sendCommandOf } from './send-command.js';

const MAX_MESSAGES = 1_000;
/** Checking takes turns with other requests after so many. */
const CHECKED_AT_ONCE = 50;

@ObjectType({ description: 'What was accepted.' })
export class SendMessagePayload {
  @Field(() => ID, { description: 'The message.' })
  messageId!: string;

  @Field(() => DateTime, { description: 'When it was accepted.' })
  acceptedTime!: Date;
}

@ObjectType({ description: 'A broken rule of an input.' })
export class FieldViolation {
  @Field({ description: 'Where, e.g. message.textMessage.text.' })
  path!: string;

  @Field({ description: 'Which rule, e.g. maxLength.' })
  rule!: string;

  @Field({ description: 'What to do about it.' })
  message!: string;
}

@ObjectType({ description: 'Why one message of many was not accepted.' })
export class SendMessageError {
  @Field({ description: 'As the code of an error of sendMessage: BAD_USER_INPUT, NOT_FOUND, CONFLICT …' })
  code!: string;

  @Field({ description: 'What to do about it.' })
  message!: string;

  @Field(() => [FieldViolation], {
    description: 'For BAD_USER_INPUT the broken rules; paths begin at the message itself. Otherwise empty.',
  })
  fields!: FieldViolation[];
}

@ObjectType({
  description: 'What became of one message of many: either it was accepted, or it has an error.',
})
export class SendMessageResult {
  @Field(() => ID, { nullable: true, description: 'Null when it was not accepted.' })
  messageId!: string | null;

  @Field(() => DateTime, { nullable: true, description: 'Null when it was not accepted.' })
  acceptedTime!: Date | null;

  @Field(() => SendMessageError, { nullable: true, description: 'Null when it was accepted.' })
  error!: SendMessageError | null;
}

@Resolver(() => SendMessagePayload)
export class SendResolver {
  private readonly pipe = new InputPipe();

  constructor(
    private readonly messages: MessagesService,
    private readonly contacts: ContactsService,
  ) {}

  @Mutation(() => SendMessagePayload, {
    description: 'Stores a message as QUEUED and has it sent. Once answered, it is durable.',
  })
  @OpenTo('AGENT')
  async sendMessage(
    @CurrentCaller() caller: Caller,
    @Args('input', { description: 'The message.' }) input: SendMessageInput,
  ): Promise<SendMessagePayload> {
    const command = sendCommandOf(caller.projectId, input);
    await assertWithinReach(caller, this.contacts, command);
    return this.messages.send(command);
  }

  /** The list comes unchecked: an argument of a class would be refused as a whole for one bad item. */
  @Mutation(() => [SendMessageResult], {
    description:
      'Sends 1 to 1,000 messages, each as sendMessage does, and gives a result for each, in order: one that cannot be accepted keeps none of the others back. Messages to one recipient keep their order. Pass the list as a variable.',
  })
  @OpenTo('AGENT')
  async sendMessages(
    @CurrentCaller() caller: Caller,
    @Args('input', { type: () => [SendMessageInput], description: 'What to send, in order.' })
    input: SendMessageInput[],
  ): Promise<SendMessageResult[]> {
    if (input.length === 0) throw invalid('input', 'arrayMinSize', 'input must have at least 1 message');
    if (input.length > MAX_MESSAGES)
      throw invalid('input', 'arrayMaxSize', `input must have at most ${MAX_MESSAGES} messages`);
    const checked = await this.check(caller, input);
    const commands = checked.flatMap((item) => (item.status === 'fulfilled' ? [item.value] : []));
    const sent = await this.messages.sendMany(commands);
    let next = 0;
    return checked.map((item) =>
      resultOf(item.status === 'fulfilled' ? (sent[next++] as PromiseSettledResult<Accepted>) : item),
    );
  }

  @ResolveField(() => MessageType, { description: 'The message as it stands now.' })
  message(
    @Parent() { messageId }: SendMessagePayload,
    @CurrentCaller() caller: Caller,
    @Context() context: GraphqlContext,
  ): Promise<MessageType | null> {
    return messageLoader(context, this.messages, caller.projectId).load(messageId);
  }

  private async check(
    caller: Caller,
    input: readonly SendMessageInput[],
  ): Promise<PromiseSettledResult<SendCommand>[]> {
    const checked: PromiseSettledResult<SendCommand>[] = [];
    for (let start = 0; start < input.length; start += CHECKED_AT_ONCE) {
      if (start > 0) await setImmediate();
      const items = input.slice(start, start + CHECKED_AT_ONCE);
      checked.push(
        ...(await Promise.allSettled(items.map((item) => this.commandOf(caller.projectId, item)))),
      );
    }
    const wellFormed = checked.flatMap((item) => (item.status === 'fulfilled' ? [item.value] : []));
    const refusals = await outOfReach(caller, this.contacts, wellFormed);
    const refused = new Map(wellFormed.map((command, index) => [command, refusals[index]]));
    return checked.map((item) => {
      const reason = item.status === 'fulfilled' ? refused.get(item.value) : null;
      return reason ? { status: 'rejected', reason } : item;
    });
  }

  private async commandOf(projectId: string, item: SendMessageInput): Promise<SendCommand> {
    const input: unknown = await this.pipe.transform(item, { type: 'body', metatype: SendMessageInput });
    return sendCommandOf(projectId, input as SendMessageInput);
  }
}

function resultOf(item: PromiseSettledResult<Accepted>): SendMessageResult {
  if (item.status === 'fulfilled') return { ...item.value, error: null };
  const { code, kind, message, fields } = explain(item.reason).error;
  return {
    messageId: null,
    acceptedTime: null,
    error: { code: kind ?? SPELLINGS[code].graphql, message, fields },
  };
}
