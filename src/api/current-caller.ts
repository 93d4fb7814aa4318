import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Caller } from '../access/caller.js';
import { DomainError } from '../errors.js';
import { carrierOf } from './access.guard.js';

/** Parameter of a handler of any face: who is calling. */
export const CurrentCaller = createParamDecorator((_data: unknown, context: ExecutionContext): Caller => {
  const { caller } = carrierOf(context);
  if (!caller) throw new DomainError('UNAUTHENTICATED', 'credentials are missing');
  return caller;
});
