/** No answer: refused, unreachable, too slow, or not an address that we call. The message is fit to be shown to the customer. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError';
}
