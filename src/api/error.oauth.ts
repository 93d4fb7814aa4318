import type { ErrorCode } from '../errors.js';
import type { Explained } from './explain.js';

/** Where tokens are had. Source: Conversation API, authentication. */
export const TOKEN_PATH = '/oauth2/token';

/** The body of an error of the token endpoint. Source: RFC 6749, section 5.2. */
export interface OAuthError {
  error: string;
  error_description: string;
}

const ERRORS: Readonly<Partial<Record<ErrorCode, string>>> = {
  INVALID_ARGUMENT: 'invalid_request',
  UNAUTHENTICATED: 'invalid_client',
  RESOURCE_EXHAUSTED: 'temporarily_unavailable',
  UNAVAILABLE: 'temporarily_unavailable',
};

export function oauthError({ error }: Explained): OAuthError {
  return {
    error: error.kind ?? ERRORS[error.code] ?? 'server_error',
    error_description: quotable(error.message),
  };
}

/** Without what a description may not have: quotes, backslashes, and anything but visible ASCII. */
export function quotable(message: string): string {
  return message.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?');
}
