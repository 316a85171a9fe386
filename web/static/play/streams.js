// What a session of porthole.v1 has open: its streams, listeners and lookups, as
// the messages tell (wire/wire.go). A program that has none, and waits for
// nothing else, has come to its end; one that is stopped leaves none behind.

const Op = {
  DATA: 1, RESET: 5, CLOSE: 6, CLOSED: 9, RESOLVE: 17, RESOLVED: 18, DIAL: 19, CONNECTED: 20, FAILED: 21,
  LISTEN: 32, ACCEPTED: 34, UNLISTEN: 35, UNLISTENED: 36, EVENTS: 49, LOST: 50,
};

const POLICY = 1; // the phase of a failure

// head is a message's op and id, and where the rest begins.
function head(bytes) {
  let id = 0;
  let at = 1;
  for (let scale = 1; at < bytes.length; scale *= 128) {
    const b = bytes[at++];
    id += (b & 127) * scale;
    if (b < 128) break;
  }
  return { op: bytes[0], id, at };
}

function uvarint(n) {
  const bytes = [];
  for (; n >= 128; n = Math.floor(n / 128)) bytes.push(n % 128 | 128);
  return [...bytes, n];
}

/** tells tells whether a message says what sockets did. */
export const tells = (bytes) => bytes[0] === Op.EVENTS || bytes[0] === Op.LOST;

/** connects tells whether a message says that a dial has come through. */
export const connects = (bytes) => bytes[0] === Op.CONNECTED;

export class Streams {
  constructor() {
    this.open = new Map(); // by id
  }

  /** sent notes a message to the gateway. */
  sent(bytes) {
    const { op, id } = head(bytes);
    if (op === Op.DIAL || op === Op.LISTEN || op === Op.RESOLVE) this.open.set(id, { op, read: 0, ends: false });
    else if (op === Op.CLOSE || op === Op.RESET || op === Op.UNLISTEN) {
      const it = this.open.get(id);
      if (it) it.ends = true;
    }
  }

  /** refuses tells whether a message refuses a dial, because the gateway's policy
      is against it. */
  refuses(bytes) {
    const { op, id, at } = head(bytes);
    if (op !== Op.FAILED || this.open.get(id)?.op !== Op.DIAL || bytes[at] !== POLICY) return false;
    return String.fromCharCode(...bytes.subarray(at + 2, at + 2 + bytes[at + 1])) === 'EACCES';
  }

  /** received notes a message from it. */
  received(bytes) {
    const { op, id, at } = head(bytes);
    const it = this.open.get(id);
    if (op === Op.ACCEPTED) this.open.set(id, { op, read: 0, ends: false });
    else if (op === Op.DATA && it) it.read += bytes.length - at;
    else if (op === Op.CLOSED || op === Op.UNLISTENED || op === Op.RESOLVED) this.open.delete(id);
    else if (op === Op.FAILED && it?.op !== Op.DIAL) this.open.delete(id); // of a dial, closed is the last word
  }

  /** farewell is what ends all of it, as a kernel does when a program ends: what
      had come was read. */
  farewell() {
    const messages = [];
    for (const [id, { op, read, ends }] of this.open) {
      if (ends || op === Op.RESOLVE) continue;
      if (op === Op.LISTEN) messages.push([Op.UNLISTEN, ...uvarint(id)]);
      else messages.push([Op.CLOSE, ...uvarint(id), ...uvarint(read)]);
    }
    return messages.map((message) => new Uint8Array(message));
  }
}
