import { invalid } from '../errors.js';
import { isPrivateHost } from './address.js';
import { isCallablePort } from './ports.js';

/** Source: Conversation API, limits. */
export const MAX_TARGET = 742;

/**
 * Checks a URL that a customer wants called by what it says itself; where its name leads is checked when the call is made.
 * @param path of the field, for the error.
 * @throws DomainError INVALID_ARGUMENT
 */
export function assertTargetUrl(
  path: string,
  value: string,
  { allowPrivate }: { allowPrivate: boolean },
): URL {
  if (value.length > MAX_TARGET)
    throw invalid(path, 'maxLength', `${path} must be at most ${MAX_TARGET} characters`);
  const url = URL.canParse(value) ? new URL(value) : null;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw invalid(path, 'isUrl', `${path} must be an http or https URL`);
  if (url.username !== '' || url.password !== '')
    throw invalid(path, 'credentials', `${path} must not hold a user name or password`);
  if (!isCallablePort(url))
    throw invalid(path, 'port', `${path} must not name port ${url.port}, which belongs to another service`);
  if (!allowPrivate && isPrivateHost(url))
    throw invalid(path, 'publicAddress', `${path} must not be a private or loopback address`);
  return url;
}
