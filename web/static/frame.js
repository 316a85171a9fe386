// What is to be drawn, as view.Frame and view.Inspect pack it: view/frame.go and
// view/pack.go are the contract. Fields are read in the order in which they are
// written here.

export const Link = { CONNECTING: 0, OPEN: 1, LOST: 2 };
export const Mode = { LIVE: 0, CAPTURE: 1, PLAYING: 2 };
export const Sock = { NONE: 0, DIALING: 1, UP: 2, ENDED: 3, PEER_ENDED: 4, CLOSED: 5, FAILED: 6, CUT: 7 };
export const Conn = { CLOSED: 0, OPEN: 1, GONE: 2 };
export const Side = { NEITHER: 0, CLIENT: 1, SERVER: 2 };
export const Server = { UNKNOWN: 0, LISTENING: 1, CLOSING: 2, CLOSED: 3 };
export const Life = { OPEN: 0, PAUSED: 1, ENDED: 2 };
export const Arrow = { BYTES: 0, END: 1, RESET: 2 };
export const Offer = { EVENTS: 1, LAB: 2, SERVER: 4, USER: 8, LISTEN: 16 };
export const Flag = {
  CALL: 1, ERROR: 2, APPROX: 4, OTHER: 8, DIM: 16, FOLD: 32, OPENED: 64, SELECTED: 128, GROUP: 256, MARK: 512, LOST: 1024,
};

// As Node's toString: what is no UTF-8 is �, and a byte order mark stays.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** text is bytes as Node's toString shows them. */
export const text = (bytes) => utf8.decode(bytes);

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }
  u8() { return this.view.getUint8(this.at++); }
  u16() { return this.view.getUint16((this.at += 2) - 2, true); }
  u32() { return this.view.getUint32((this.at += 4) - 4, true); }
  f64() { return this.view.getFloat64((this.at += 8) - 8, true); }
  bool() { return this.u8() !== 0; }
  raw() {
    const length = this.u32();
    return this.bytes.subarray(this.at, this.at += length);
  }
  str() {
    const length = this.u32();
    if (length === 0) return '';
    return utf8.decode(this.bytes.subarray(this.at, this.at += length));
  }
  list(read) { return Array.from({ length: this.u32() }, () => read(this)); }
}

const kernel = (r) => ({
  known: r.bool(), state: r.str(), unsent: r.f64(), unread: r.f64(), rtt: r.f64(), cwnd: r.f64(), retransmits: r.f64(),
});

const end = (r) => ({
  seen: r.bool(), closed: r.bool(), paused: r.bool(), local: r.str(),
  read: r.f64(), reads: r.u32(), wrote: r.f64(), writes: r.u32(), kernel: kernel(r),
});

const conn = (r) => ({ number: r.u32(), own: r.bool(), state: r.u8(), client: r.str(), server: r.str() });

const line = (r) => ({
  id: r.f64(), gap: r.f64(), side: r.u8(), flags: r.u16(), slot: r.u8(), number: r.u32(),
  times: r.u32(), peers: r.u32(), bytes: r.f64(), from: r.f64(),
  name: r.str(), note: r.str(), state: r.str(), text: r.str(),
});

const life = (r) => ({
  side: r.u8(), slot: r.u8(), other: r.bool(), style: r.u8(), cap: r.bool(), from: r.f64(), to: r.f64(),
});

const arrow = (r) => ({
  kind: r.u8(), side: r.u8(), slot: r.u8(), group: r.bool(), band: r.bool(), dim: r.bool(),
  from: r.f64(), to: r.f64(),
});

/** decode reads a frame. */
export function decode(bytes) {
  const r = new Reader(bytes);
  return {
    version: r.u32(), mode: r.u8(),
    link: r.u8(), retry: r.f64(), code: r.u16(), reason: r.str(), target: r.str(), offers: r.u8(),
    sock: r.u8(), unsent: r.f64(), room: r.f64(),
    why: { code: r.str(), phase: r.str(), syscall: r.str(), address: r.str(), port: r.u32() },
    heards: r.u32(), heard: r.str(),
    chosen: r.u32(), shown: r.u32(), own: r.bool(), client: end(r), server: end(r),
    listener: r.u8(), open: r.u32(),
    conns: r.list(conn),
    dropped: r.f64(), droppedBytes: r.f64(), selected: r.f64(), fresh: r.u32(), matches: r.u32(),
    total: r.u32(), first: r.u32(),
    lines: r.list(line), lives: r.list(life), arrows: r.list(arrow),
  };
}

const piece = (r) => ({
  id: r.f64(), from: r.f64(), to: r.f64(), at: r.f64(), took: r.f64(), message: r.u32(), data: r.raw(),
});

const glyph = (r) => ({ from: r.f64(), to: r.f64(), cut: r.bool(), text: r.str() });

const whole = (r) => ({ from: r.f64(), to: r.f64(), whole: r.bool(), text: r.str() });

/** decodeInspect reads what view.Inspect packed: null if nothing is selected. */
export function decodeInspect(bytes) {
  const r = new Reader(bytes);
  if (!r.bool()) return null;
  return {
    id: r.f64(), name: r.str(), side: r.u8(), number: r.u32(), took: r.f64(), approx: r.bool(),
    local: r.str(), remote: r.str(), code: r.str(), syscall: r.str(), host: r.str(), message: r.u32(),
    kernelId: r.f64(), client: kernel(r), server: kernel(r),
    writer: r.u8(), from: r.f64(), to: r.f64(), first: r.f64(),
    bytes: r.raw(), known: r.raw(),
    writesInAll: r.u32(), readsInAll: r.u32(), writes: r.list(piece), reads: r.list(piece),
    glyphs: r.list(glyph), cuts: r.list((q) => q.f64()), lens: r.u8(), lensKnown: r.bool(), framed: r.list(whole),
  };
}
