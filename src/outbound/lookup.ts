import { isIP, type LookupFunction } from 'node:net';
import { isPublicAddress } from './address.js';
import { OutboundError } from './outbound-error.js';
import type { Resolve } from './resolver.js';

/**
 * The look-up that a socket makes when it connects. It goes to the very addresses that this returns, so that DNS cannot change its mind
 * between check and use; of several, those that may not be called are left out.
 */
export function guardedLookup(resolve: Resolve, allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const allowed = allowPrivate ? addresses : addresses.filter(isPublicAddress);
        const found = allowed.map((address) => ({ address, family: isIP(address) }));
        const [first] = found;
        if (!first) callback(refused(hostname), '');
        else if (options.all) callback(null, found);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), ''),
    );
  };
}

export function refused(host: string): OutboundError {
  return new OutboundError(
    `${host} is a private, loopback or otherwise special address, which may not be called`,
  );
}
