import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { invalid } from '../errors.js';

const NAME = 'Idempotency-Key';
const MAX_KEY = 255;

/** The `Idempotency-Key` of a request; undefined without one. Put into the input it goes before one of the body. */
export const IdempotencyKey = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  const key = context.switchToHttp().getRequest<Request>().get('idempotency-key');
  if (key === '') throw invalid(NAME, 'isNotEmpty', `${NAME} should not be empty`);
  if (key !== undefined && key.length > MAX_KEY)
    throw invalid(NAME, 'maxLength', `${NAME} must be shorter than or equal to ${MAX_KEY} characters`);
  return key;
});
