/** Which addresses are part of the public Internet: all else (loopback, private ranges, metadata services) is nobody's business from here. */
import ipaddr from 'ipaddr.js';

/** All that is handed out of IPv6 for the public Internet. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether an address, in its usual notation, can only be a host on the public Internet. Forms of IPv6 that carry an address of
 * IPv4 (mapped, NAT64, 6to4) are what they carry.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const carried = carriedAddress(ipaddr.parse(withoutZone(text)));
  if (carried instanceof ipaddr.IPv4) return carried.range() === 'unicast';
  return carried.range() === 'unicast' && carried.match(globalUnicast);
}

const withoutZone = (text: string): string => text.split('%')[0] ?? text;

function carriedAddress(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address instanceof ipaddr.IPv4) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  const bytes = address.toByteArray();
  if (address.range() === 'rfc6052') return new ipaddr.IPv4(bytes.slice(12));
  if (address.range() === '6to4') return new ipaddr.IPv4(bytes.slice(2, 6));
  return address;
}

/** An address as the host of a URL has it, without the brackets of IPv6; undefined for a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return ipaddr.isValid(bare) ? bare : undefined;
}
