// What is to be drawn, as view.Frame packs it: view/frame.go is the contract.

export const Link = { CONNECTING: 0, OPEN: 1, LOST: 2 };
export const Sock = { NONE: 0, DIALING: 1, UP: 2, ENDED: 3, PEER_ENDED: 4, CLOSED: 5, FAILED: 6 };
export const Side = { NEITHER: 0, CLIENT: 1, SERVER: 2 };
export const Lane = { WAITING: 0, OPEN: 1, ENDED: 2, CLOSED: 3 };
export const Flag = { CALL: 1, ERROR: 2, APPROX: 4, OTHER: 8 };

// As Node's toString: what is no UTF-8 is �, and a byte order mark stays.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }
  u8() { return this.view.getUint8(this.at++); }
  u32() { return this.view.getUint32((this.at += 4) - 4, true); }
  f64() { return this.view.getFloat64((this.at += 8) - 8, true); }
  bool() { return this.u8() !== 0; }
  str() {
    const length = this.u32();
    if (length === 0) return '';
    return utf8.decode(this.bytes.subarray(this.at, this.at += length));
  }
  list(read) { return Array.from({ length: this.u32() }, read); }
}

// Fields are read in the order in which they are written here.

const end = (r) => ({
  seen: r.bool(), closed: r.bool(), local: r.str(), state: r.str(),
  read: r.f64(), reads: r.u32(), wrote: r.f64(), writes: r.u32(),
});

const row = (r) => ({
  gap: r.f64(), side: r.u8(), flags: r.u8(), lanesBefore: r.u8(), lanesAfter: r.u8(), number: r.u32(),
  bytes: r.f64(), from: r.f64(), name: r.str(), note: r.str(), state: r.str(), text: r.str(),
});

const line = (r) => ({ side: r.u8(), conn: r.u32(), more: r.f64(), text: r.str() });

/** lanesOf tells how the two lifelines are drawn, from what a frame says of both. */
export const lanesOf = (both) => ({ client: both & 15, server: both >> 4 });

/** decode reads a frame. talk is null if it is what the page has already. */
export function decode(bytes) {
  const r = new Reader(bytes);
  return {
    talkVersion: r.u32(),
    link: r.u8(), retry: r.f64(), sock: r.u8(), target: r.str(), unsent: r.f64(), room: r.f64(),
    why: { code: r.str(), phase: r.str(), syscall: r.str(), address: r.str(), port: r.u32() },
    lanes: lanesOf(r.u8()), client: end(r), server: end(r),
    dropped: r.u32(), total: r.u32(), first: r.u32(),
    rows: r.list(() => row(r)),
    talk: r.bool() ? r.list(() => line(r)) : null,
  };
}
