// IP addresses, as text and as numbers (RFC 4291 §2.2, RFC 5952).

const byte = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const v4 = new RegExp(`^${byte}(?:\\.${byte}){3}$`);

export function isIPv4(text) {
  return v4.test(String(text));
}

export function isIPv6(text) {
  const [address, ...zone] = String(text).split('%');
  if (zone.length > 1 || (zone.length === 1 && !/^[\w.:-]+$/.test(zone[0]))) return false;
  return groups(address) !== null;
}

/** isIP is 4, 6, or 0 for what is no address. */
export function isIP(text) {
  if (isIPv4(text)) return 4;
  return isIPv6(text) ? 6 : 0;
}

/** groups are the eight of an IPv6 address, or null. */
function groups(text) {
  const sides = text.split('::');
  if (sides.length > 2) return null;
  const [front, back] = sides.map((side) => (side === '' ? [] : side.split(':')));
  const last = (back ?? front).length > 0 ? (back ?? front) : front;
  const tail = last[last.length - 1] ?? '';
  if (tail.includes('.') && last === (back ?? front)) {
    if (!isIPv4(tail)) return null;
    const [a, b, c, d] = tail.split('.').map(Number);
    last.splice(-1, 1, ((a << 8) | b).toString(16), ((c << 8) | d).toString(16));
  }
  const gap = 8 - front.length - (back?.length ?? 0);
  if (back === undefined ? gap !== 0 : gap < 1) return null;
  const all = back === undefined ? front : [...front, ...Array(gap).fill('0'), ...back];
  return all.every((group) => /^[\da-f]{1,4}$/i.test(group)) ? all.map((group) => parseInt(group, 16)) : null;
}

/** value is an address as a number of 128 bits; one of IPv4 is within ::ffff:0:0/96. */
export function value(text) {
  const all = isIPv4(text) ? groups(`::ffff:${text}`) : groups(text.split('%')[0]);
  return all.reduce((n, group) => (n << 16n) | BigInt(group), 0n);
}

/** canonical is the one way to write an address: the longest run of zeros short. */
export function canonical(text) {
  if (isIPv4(text)) return text;
  const all = groups(text.split('%')[0]);
  if (all.slice(0, 5).every((group) => group === 0) && all[5] === 0xffff) {
    return `::ffff:${all[6] >> 8}.${all[6] & 255}.${all[7] >> 8}.${all[7] & 255}`;
  }
  const hex = all.map((group) => group.toString(16)).join(':');
  const runs = hex.match(/(?:^|:)0(?::0)+(?=:|$)/g);
  if (runs === null) return hex;
  const longest = runs.reduce((best, run) => (run.replace(/^:/, '').length > best.replace(/^:/, '').length ? run : best));
  const at = hex.indexOf(longest);
  return `${hex.slice(0, at)}::${hex.slice(at + longest.length).replace(/^:/, '')}`;
}
