import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';

/** The IP addresses of a host name. */
export type Resolve = (hostname: string) => Promise<string[]>;

const QUERY_MS = 1_000;
const QUERY_TRIES = 2;
/** DNS has no answer, or is not there to ask: the name may still be one of this machine. */
const UNKNOWN = new Set(['ENOTFOUND', 'ENODATA', 'ECONNREFUSED']);

/**
 * Asks DNS itself rather than the system: the system's look-up blocks one of four threads that all of the process shares, and a
 * customer's slow name server must not hold up everybody else. The system (`/etc/hosts`) is asked where DNS has no answer.
 * @param servers of DNS, as `address:port`; those of the system when left out.
 */
export function nameResolver(servers?: string[]): Resolve {
  const resolver = new Resolver({ timeout: QUERY_MS, tries: QUERY_TRIES });
  if (servers) resolver.setServers(servers);
  return async (hostname) => {
    const name = hostname.replace(/\.$/, '');
    if (isIP(name)) return [name];
    if (name.includes('.') && !name.endsWith('.localhost')) {
      const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
      const addresses = [four, six].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
      if (addresses.length > 0) return addresses;
      if (four.status === 'rejected' && !UNKNOWN.has(codeOf(four.reason))) throw four.reason;
    }
    return (await lookup(name, { all: true })).map(({ address }) => address);
  };
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}
