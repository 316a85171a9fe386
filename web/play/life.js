// When a program is over: it waits for no socket, no listener and no timer.

const native = {
  setTimeout: globalThis.setTimeout.bind(globalThis), clearTimeout: globalThis.clearTimeout.bind(globalThis),
  setInterval: globalThis.setInterval.bind(globalThis), clearInterval: globalThis.clearInterval.bind(globalThis),
};
const AFTER = 50; // ms, for what is yet to be told to the program

/** Life counts what a program waits for. */
export class Life {
  /** over is called when it is nothing. */
  constructor(over) {
    this.over = over;
    this.held = 0;
    this.others = []; // what else is asked: whether it waits
    this.timer = 0;
  }

  hold() { this.held++; }

  release() {
    this.held--;
    this.look();
  }

  waits() { return this.held > 0 || this.others.some((other) => other()); }

  /** look sees whether the program is over, in a while. */
  look() {
    if (this.timer !== 0 || this.waits()) return;
    this.timer = native.setTimeout(() => {
      this.timer = 0;
      if (!this.waits()) this.over();
    }, AFTER);
  }
}

// Timer is what Node's timers are: an object that can be told not to keep the
// program alive.
class Timer {
  constructor(life, repeats, call, ms, args) {
    Object.assign(this, { life, repeats, ms, run: () => this.due(call, args) });
    this.counts = true; // as long as it keeps the program alive
    this.id = 0;
    this.begin();
  }

  begin() {
    this.end();
    if (this.counts) this.life.hold();
    this.id = this.repeats ? native.setInterval(this.run, this.ms) : native.setTimeout(this.run, this.ms);
  }

  due(call, args) {
    try {
      if (!this.repeats) this.end();
    } finally {
      call(...args);
    }
  }

  end() {
    if (this.id === 0) return;
    native.clearTimeout(this.id); // of an interval, too
    this.id = 0;
    if (this.counts) this.life.release();
  }

  ref() { return this.count(true); }
  unref() { return this.count(false); }
  hasRef() { return this.counts; }
  refresh() {
    this.begin();
    return this;
  }

  count(on) {
    if (on !== this.counts && this.id !== 0) {
      if (on) this.life.hold();
      else this.life.release();
    }
    this.counts = on;
    return this;
  }

  [Symbol.toPrimitive]() { return this.id; }
}

/** timers are Node's global functions. */
export function timers(life) {
  const known = new Map(); // by id, for those who kept only that
  const make = (repeats) => (call, ms = 0, ...args) => {
    if (typeof call !== 'function') throw new TypeError('The "callback" argument must be of type function');
    const timer = new Timer(life, repeats, call, Number(ms) || 0, args);
    known.set(timer.id, timer);
    if (known.size > 1000) for (const [id, { id: now }] of known) if (id !== now) known.delete(id);
    return timer;
  };
  const clear = (timer) => {
    if (timer instanceof Timer) timer.end();
    else if (known.has(Number(timer))) known.get(Number(timer)).end();
    else if (timer != null) native.clearTimeout(timer);
  };
  const queue = new Map();
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => {
    const run = queue.get(data);
    if (!run) return;
    queue.delete(data);
    life.release();
    run();
  };
  let last = 0;
  class Immediate {
    constructor(id) { this.id = id; }
  }
  return {
    setTimeout: make(false), setInterval: make(true), clearTimeout: clear, clearInterval: clear,
    setImmediate(call, ...args) {
      const id = ++last;
      queue.set(id, () => call(...args));
      life.hold();
      port2.postMessage(id);
      return new Immediate(id);
    },
    clearImmediate(immediate) {
      if (immediate instanceof Immediate && queue.delete(immediate.id)) life.release();
    },
  };
}
