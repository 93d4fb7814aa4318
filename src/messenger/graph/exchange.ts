import type { Dispatcher } from 'undici';

/** What Graph answered to one call. */
export interface GraphAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** The body as text; null when it was longer than we read. */
  text: string | null;
}

/** The call got no whole answer. */
export class GraphUnreachable extends Error {
  override readonly name = 'GraphUnreachable';

  constructor(
    message: string,
    /** Whether any of the request left, so that Graph may have acted on it. */
    readonly sent: boolean,
    cause: unknown,
  ) {
    super(message, { cause });
  }
}

/** Longest answer that is read unless told otherwise, in bytes. */
const LONGEST_ANSWER = 64 * 1024;

/**
 * One call through undici's lowest door, the only one that tells whether the request left the machine before it failed.
 * @throws GraphUnreachable
 */
export function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal,
  maxAnswer = LONGEST_ANSWER,
): Promise<GraphAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let sent = false;
    let status = 0;
    let headers: GraphAnswer['headers'] = {};
    let controller: Dispatcher.DispatchController | undefined;

    const finish = (): void => signal.removeEventListener('abort', abort);
    const fail = (error: unknown): void => {
      finish();
      const why = error instanceof Error ? error.message : String(error);
      reject(new GraphUnreachable(`Graph API could not be reached: ${why}`, sent, error));
    };
    const answer = (text: string | null): void => {
      finish();
      resolve({ status, headers, text });
    };
    const abort = (): void => {
      fail(signal.reason);
      controller?.abort(new Error('the call was given up'));
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });

    dispatcher.dispatch(options, {
      // The connection stands and the request is about to be written to it.
      onRequestStart(started) {
        controller = started;
        if (signal.aborted) started.abort(new Error('the call was given up'));
        else sent = true;
      },
      onResponseStart(_controller, statusCode, received) {
        status = statusCode;
        headers = received;
      },
      onResponseData(running, chunk) {
        size += chunk.length;
        if (size <= maxAnswer) chunks.push(chunk);
        else {
          answer(null);
          running.abort(new Error('the answer is too long'));
        }
      },
      onResponseEnd() {
        answer(Buffer.concat(chunks).toString('utf8'));
      },
      onResponseError(_controller, error) {
        fail(error);
      },
    });
  });
}
