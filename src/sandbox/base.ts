import type { Request } from 'express';

/** Where the caller reached the sandbox, for the URLs it hands out: `http://127.0.0.1:3000/sandbox`. */
export function baseOf(request: Request): string {
  return `${request.protocol}://${request.get('host') ?? 'localhost'}/sandbox`;
}
