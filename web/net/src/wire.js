// Messages of porthole.v1: op, id, and behind them bytes or fields. The protocol
// is the package doc of wire/wire.go.

export const subprotocol = 'porthole.v1';

export const maxWindow = 2 << 20; // bytes under way to the page, which holds them
export const overhead = 11; // bytes that op and id take at most

export const op = {
  data: 1, fin: 2, credit: 3, wrote: 4, reset: 5, close: 6, finished: 7, error: 8, closed: 9,
  hello: 16, resolve: 17, resolved: 18, dial: 19, connected: 20, failed: 21, option: 22,
  listen: 32, listening: 33, accepted: 34, unlisten: 35, unlistened: 36,
};

export const option = { noDelay: 1, keepAlive: 2 };

/** reason is why a stream ended. */
export const reason = { ended: 1, failed: 2, closed: 3, reset: 4, error: 5, shutdown: 6, gone: 7 };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function number(out, n) {
  while (n >= 0x80) {
    out.push((n % 0x80) | 0x80);
    n = Math.floor(n / 0x80);
  }
  out.push(n);
}

function append(out, field) {
  if (typeof field === 'number') {
    number(out, field);
  } else if (typeof field === 'string') {
    const bytes = encoder.encode(field);
    number(out, bytes.length);
    for (const b of bytes) out.push(b);
  } else {
    number(out, field.length);
    for (const item of field) for (const f of [item].flat()) append(out, f);
  }
}

/** message builds a message of fields: numbers, strings, and lists, whose items
    may have several fields. */
export function message(what, id, ...fields) {
  const out = [what];
  number(out, id);
  for (const field of fields) append(out, field);
  return Uint8Array.from(out);
}

/** data builds a message with bytes of a stream. */
export function data(id, bytes) {
  const head = [op.data];
  number(head, id);
  const out = new Uint8Array(head.length + bytes.length);
  out.set(head);
  out.set(bytes, head.length);
  return out;
}

/** Reader takes a message apart from its front. It throws where that is cut short. */
export class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 1;
    if (bytes.length < 2) this.short();
    this.op = bytes[0];
    this.id = this.number();
  }

  short() {
    throw new RangeError('porthole: a message is cut short');
  }

  number() {
    let n = 0;
    for (let scale = 1; ; scale *= 0x80) {
      if (this.at >= this.bytes.length || scale > 2 ** 56) this.short();
      const b = this.bytes[this.at++];
      n += (b & 0x7f) * scale;
      if (b < 0x80) return n;
    }
  }

  /** length is one: never more than there are bytes left. */
  length() {
    const n = this.number();
    if (n > this.bytes.length - this.at) this.short();
    return n;
  }

  string() {
    const n = this.length();
    this.at += n;
    return decoder.decode(this.bytes.subarray(this.at - n, this.at));
  }

  list() {
    const items = [];
    for (let n = this.length(); n > 0; n--) items.push(this.string());
    return items;
  }

  rest() {
    return this.bytes.subarray(this.at);
  }

  hello() {
    return { window: this.number(), message: this.number(), streams: this.number(), copy: this.number(), targets: this.list(), offers: this.list() };
  }

  failure() {
    return { phase: this.number(), code: this.string(), errno: -this.number(), syscall: this.string(), address: this.string(), port: this.number() };
  }

  connected() {
    return { conn: this.number(), local: endpoint(this.string()), remote: endpoint(this.string()) };
  }
}

/** endpoint takes "host:port" apart, as Node shows it; of a path there is none. */
export function endpoint(text) {
  const at = text.lastIndexOf(':');
  const address = text.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  if (at < 0 || !/^[\d.]+$|:/.test(address)) return {};
  return { address, family: address.includes(':') ? 'IPv6' : 'IPv4', port: Number(text.slice(at + 1)) };
}
