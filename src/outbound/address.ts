import ipaddr from 'ipaddr.js';
import { isIP } from 'node:net';

/** What IANA has given out as global unicast; everything outside is special (mapped, translated, site-local) or unassigned. */
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/**
 * Whether an IP address (without brackets) belongs to the public internet. False for private, loopback, link-local (cloud metadata),
 * carrier-grade NAT, multicast, reserved and documentation ranges, and for IPv6 forms that carry an IPv4 address inside: mapped,
 * compatible, NAT64, 6to4, Teredo. Source: IANA special-purpose address registries.
 */
export function isPublicAddress(address: string): boolean {
  // Stricter than the library, which also reads short and octal forms.
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL_UNICAST);
}

/**
 * Whether a URL says by itself, before DNS is asked, that it leads to this machine or its network. A URL has its host normalised
 * already: `http://0x7f.1/` and `http://2130706433/` are 127.0.0.1.
 */
export function isPrivateHost(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return isIP(host) !== 0 && !isPublicAddress(host);
}
