import type { InputPipe } from '../api/input.pipe.js';
import { dateOf } from '../api/well-known.js';
import { invalid } from '../errors.js';
import type { ListMessagesRequest__Output as ListMessagesRequest } from '../generated/proto/parley/conversation/v1/ListMessagesRequest.js';
import type { ListMessagesResponse } from '../generated/proto/parley/conversation/v1/ListMessagesResponse.js';
import { ListMessagesInput } from './list-messages.input.js';
import { MAX_MESSAGE_PAGE, type MessagePage, messagePageOf } from './list-messages.js';
import type { Message } from './message.entity.js';
import { messageFieldsOf } from './message-fields.grpc.js';

/** Clients take messages of 4 MiB unless told otherwise. */
const MAX_BYTES = 3.5 * 1024 * 1024;
/** Of a message beside its content. */
const OTHER_BYTES = 2_048;

export async function listInputOf(pipe: InputPipe, request: ListMessagesRequest): Promise<ListMessagesInput> {
  const { startTime, endTime, direction, channel, ...rest } = request;
  if ((request.pageSize ?? 0) > MAX_MESSAGE_PAGE)
    throw invalid('pageSize', 'max', `page_size must not be greater than ${MAX_MESSAGE_PAGE}`);
  const plain = {
    ...rest,
    ...(startTime ? { startTime: dateOf(startTime) } : {}),
    ...(endTime ? { endTime: dateOf(endTime) } : {}),
    // What stands for "not given" may be given.
    ...(direction && direction !== 'UNDEFINED_DIRECTION' ? { direction } : {}),
    ...(channel && channel !== 'CHANNEL_UNSPECIFIED' ? { channel } : {}),
  };
  return (await pipe.transform(plain, { type: 'body', metatype: ListMessagesInput })) as ListMessagesInput;
}

/** The page, or as much of it as a client can be expected to take. */
export function listAnswerOf(page: MessagePage, withMetadata: boolean): ListMessagesResponse {
  const fitting = countFitting(page.messages);
  const { messages, nextPageToken } =
    fitting < page.messages.length ? messagePageOf(page.messages, fitting) : page;
  return {
    messages: messages.map((message) =>
      messageFieldsOf(withMetadata ? message : { ...message, metadata: '' }),
    ),
    nextPageToken,
  };
}

function countFitting(messages: readonly Message[]): number {
  let bytes = 0;
  const tooMany = messages.findIndex(({ content }) => {
    bytes += Buffer.byteLength(JSON.stringify(content)) + OTHER_BYTES;
    return bytes > MAX_BYTES;
  });
  return tooMany === -1 ? messages.length : Math.max(1, tooMany);
}
