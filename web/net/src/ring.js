const least = 4 << 10; // bytes

/** Ring holds bytes that have come and are not read: its memory grows to what it
    holds, and is given up when it is empty. */
export class Ring {
  constructor() {
    this.bytes = new Uint8Array(0); // its length is a power of two
    this.head = 0;
    this.length = 0;
  }

  write(p) {
    if (this.length + p.length > this.bytes.length) this.#grow(this.length + p.length);
    const tail = (this.head + this.length) & (this.bytes.length - 1);
    const front = Math.min(p.length, this.bytes.length - tail);
    this.bytes.set(p.subarray(0, front), tail);
    this.bytes.set(p.subarray(front), 0);
    this.length += p.length;
  }

  /** read takes at most n bytes from the front, in memory of their own. */
  read(n) {
    const out = new Uint8Array(Math.min(n, this.length));
    const front = this.bytes.subarray(this.head, this.head + out.length);
    out.set(front);
    out.set(this.bytes.subarray(0, out.length - front.length), front.length);
    this.length -= out.length;
    this.head = (this.head + out.length) & (this.bytes.length - 1);
    if (this.length === 0) {
      this.bytes = new Uint8Array(0);
      this.head = 0;
    }
    return out;
  }

  #grow(need) {
    let size = least;
    while (size < need) size *= 2;
    const { length } = this;
    const held = this.read(length);
    this.bytes = new Uint8Array(size);
    this.bytes.set(held);
    this.length = length;
  }
}
