// The six experiments, as scripts over the same program a visitor uses. What a
// script says afterwards is what the frames showed, and no more.

import { get } from './dom.js';
import { canConnect, canLab } from './ends.js';
import { Flag, Link, Mode, Offer, Server, Side, Sock, decode } from './frame.js';
import { down } from './heads.js';
import { broken } from './prose.js';

const END = 0x7fffffff; // behind any line: the last ones are meant
const LOOK = 160; // lines a script looks back over
const SOON = 4000; // ms for what a socket does at once
const encoder = new TextEncoder();
const hello = encoder.encode('哇咔咔');
const two = encoder.encode('你好'); // six bytes, two characters

/** Failed says in a word of ours why a script could not go on. */
export class Failed extends Error {
  constructor(key, ...args) {
    super(key);
    this.key = key;
    this.args = args;
  }
}

/** Run is one run of a script: it waits for what the sockets do, and stops
    when it is stopped, when the gateway is lost or the socket goes. */
export class Run {
  constructor(app, say) {
    this.app = app;
    this.say = say; // (key, ...args): the line of the lesson
    this.program = app.program();
    this.stopped = false;
    this.steered = false; // the server's end is not as it was
  }

  get frame() { return this.app.frame(); }

  stop() {
    this.stopped = true;
    this.app.ask();
  }

  check(frame) {
    if (this.stopped) throw new Failed('x-stopped');
    if (frame.link !== Link.OPEN || frame.mode !== Mode.LIVE) throw new Failed('x-lost');
    return frame;
  }

  /** until waits for a frame in which something holds. what names it, should it not come. */
  async until(test, what, ms = SOON) {
    this.app.ask();
    const over = (f) => this.stopped || f.link !== Link.OPEN || f.mode !== Mode.LIVE;
    let frame;
    try {
      frame = await this.app.until((f) => over(f) || test(f), ms);
    } catch {
      throw new Failed('x-slow', what);
    }
    return this.check(frame);
  }

  /** perhaps waits for what is not told everywhere: null if it does not come. */
  async perhaps(test, ms) {
    try {
      return await this.until(test, '', ms);
    } catch (error) {
      if (error.key !== 'x-slow') throw error;
      return null;
    }
  }

  /** rest lets ms pass, so that an eye can follow. */
  async rest(ms) {
    await new Promise((done) => { setTimeout(done, ms); });
    return this.check(this.frame);
  }

  lab(verb, value = 0) {
    this.steered = true;
    this.program.lab(verb, value);
    if (verb === 'limit') get('upto').value = value; // the visitor sees what was turned
  }

  /** ready brings about an open socket of ours, both ends at rest. */
  async ready() {
    let frame = this.check(this.frame);
    if (frame.shown > 0 && !frame.own) this.program.choose(0);
    if (down(frame) && frame.offers & Offer.SERVER) {
      this.program.lab('listen', 0);
      await this.perhaps((f) => f.listener === Server.LISTENING, 1000); // or connecting shows it
    }
    frame = await this.until((f) => f.own || f.shown === 0 || f.sock !== Sock.NONE, 'choose');
    if ([Sock.ENDED, Sock.PEER_ENDED].includes(frame.sock)) {
      this.program.destroy();
      frame = await this.until((f) => [Sock.CLOSED, Sock.FAILED].includes(f.sock), 'close');
    }
    if (canConnect(frame)) {
      const before = frame.shown;
      this.program.connect();
      frame = await this.until((f) => f.sock === Sock.DIALING || f.shown !== before, 'connect');
    }
    frame = await this.until((f) => f.sock === Sock.UP || f.sock === Sock.FAILED, 'connect', 10000);
    if (frame.sock === Sock.FAILED) throw new Failed('x-noconnect', frame.why.code);
    if (frame.offers & Offer.LAB) {
      await this.until((f) => f.server.seen, 'connection');
      this.lab('limit', 0);
      if (this.frame.server.paused) this.lab('resume');
      this.steered = false;
    }
    return this.settled();
  }

  /** settled waits until all that was written has been read, both ways, and at
      least as much as is said was written. */
  async settled(wrote = 0, ms = SOON) {
    const gone = (f) => f.sock === Sock.CLOSED;
    const frame = await this.until((f) => gone(f) || (f.unsent === 0 && f.client.wrote >= wrote &&
      (!f.server.seen || (f.server.read === f.client.wrote && f.client.read === f.server.wrote))), 'data', ms);
    if (gone(frame)) throw new Failed('x-closed');
    return frame;
  }

  /** over waits until the events of both ends say that they are closed. */
  over() {
    return this.until((f) => f.client.closed && (!f.server.seen || f.server.closed), 'close');
  }

  /** begin marks the ladder with the lesson's name and tells what stood before. */
  begin(key) {
    this.program.mark(key);
    this.app.ask();
    this.key = key;
    this.before = this.frame;
  }

  /** lines are those of our connection since the lesson began. */
  lines() {
    const { lines } = decode(this.program.frame(END, LOOK));
    this.app.ask(); // what was taken now is not drawn
    const start = lines.findLastIndex((l) => l.flags & Flag.MARK && l.note === this.key);
    return lines.slice(start + 1).filter((l) => l.number === this.frame.shown);
  }

  select(line) {
    if (line === undefined) return;
    this.program.select(line.id);
    this.app.ask();
  }

  /** tidy leaves the server's end as a visitor expects it. */
  tidy() {
    const { frame } = this;
    if (!this.steered || frame === null || !canLab(frame)) return;
    this.lab('limit', 0);
    if (frame.server.paused) this.lab('resume');
  }
}

const named = (name, side) => (line) => line.name === name && line.side === side;
const reads = (lines, side) => lines.filter(named('data', side));
const sizes = (lines) => lines.map((l) => (l.times > 1 ? `${l.times} × …` : l.bytes)).join(' + ');

async function greet(run) {
  await run.ready();
  run.begin('greet');
  const { client, server } = run.before;
  run.program.send(hello, 1);
  await run.until((f) => f.client.read > client.read, 'data');
  const frame = await run.settled(client.wrote + hello.length);
  const lines = run.lines();
  const answer = reads(lines, Side.CLIENT).at(-1);
  run.select(reads(lines, Side.SERVER).at(0) ?? answer);
  run.say('greet-after', {
    wrote: frame.client.wrote - client.wrote,
    reads: frame.server.seen ? frame.server.reads - server.reads : 1,
    answer: frame.client.read - client.read,
    text: answer?.text ?? frame.heard,
  });
}

async function stick(run) {
  await run.ready();
  run.begin('stick');
  const { client, server } = run.before;
  run.lab('pause');
  await run.until((f) => f.server.paused, 'pause()');
  for (let i = 0; i < 5; i++) run.program.send(hello, 1);
  await run.until((f) => f.client.writes >= client.writes + 5, 'write()');
  await run.rest(800); // the server has had time to read, and did not
  run.lab('resume');
  await run.until((f) => !f.server.paused && f.server.read > server.read, 'data');
  const frame = await run.settled(client.wrote + 5 * hello.length);
  const of = reads(run.lines(), Side.SERVER);
  run.select(of.reduce((most, l) => (most && most.bytes >= l.bytes ? most : l), undefined));
  const n = frame.server.reads - server.reads;
  run.say('stick-after', { writes: frame.client.writes - client.writes, reads: n, sizes: `${sizes(of)} B` });
  return n;
}

async function split(run) {
  await run.ready();
  run.begin('split');
  const { client } = run.before;
  run.lab('limit', 4);
  run.program.send(two, 1);
  await run.until((f) => f.server.read >= client.wrote + two.length, 'data');
  const frame = await run.settled();
  run.lab('limit', 0);
  const lines = run.lines();
  const pieces = reads(lines, Side.SERVER);
  const wrote = frame.client.wrote - client.wrote;
  run.select(lines.find(named('write()', Side.CLIENT)) ?? pieces[0]);
  if (pieces.length < 2) run.say('split-whole', { wrote });
  else {
    const texts = pieces.flatMap((l, i) => [i > 0 ? ' ' : '', '"', ...broken(l.text), '"']);
    run.say('split-after', { wrote, sizes: `${sizes(pieces)} B`, texts });
  }
}

async function halfclose(run) {
  await run.ready();
  run.begin('halfclose');
  const { client } = run.before;
  run.lab('pause');
  await run.until((f) => f.server.paused, 'pause()');
  run.program.send(hello, 1);
  await run.until((f) => f.client.writes > client.writes, 'write()');
  run.program.end();
  let state = '';
  await run.perhaps((f) => (state = f.client.kernel.state) === 'FIN_WAIT2', 1500);
  await run.rest(700);
  state = run.frame.client.kernel.state || state;
  run.lab('resume');
  const frame = await run.over();
  const lines = run.lines();
  const end = lines.findIndex(named('end()', Side.CLIENT));
  const answer = end < 0 ? undefined : reads(lines.slice(end), Side.CLIENT)[0];
  run.select(answer ?? lines[end]);
  if (answer === undefined) run.say('halfclose-none');
  else run.say('halfclose-after', { state: state || 'FIN_WAIT', read: frame.client.read - client.read, text: answer.text });
}

async function reset(run) {
  const frame = await run.ready();
  const byServer = canLab(frame);
  const side = byServer ? Side.CLIENT : Side.SERVER; // that sees it
  const who = byServer ? 'server' : 'client';
  const other = byServer ? 'client' : 'server';
  run.say('reset-before', { who });
  run.begin('reset');
  await run.rest(300);
  if (byServer) run.lab('reset');
  else run.program.reset();
  await run.over();
  const lines = run.lines();
  const error = lines.find(named('error', side));
  if (error === undefined) throw new Failed('x-slow', 'error ECONNRESET');
  run.select(error);
  run.say('reset-after', { who, other, code: error.note, close: lines.findLast(named('close', side))?.note ?? '' });
}

const MESSAGE = 32 << 10; // bytes
const BATCH = 16; // messages that the page keeps ahead of the kernel
const STILL = 400; // ms without a byte taken: the kernels are full

// fillUp writes until nothing moves, and tells whether that came about.
async function fillUp(run) {
  const message = new Uint8Array(MESSAGE).fill(0x2e);
  let wrote = -1;
  let since = performance.now();
  while (performance.now() - since < STILL) {
    const frame = await run.rest(50);
    if (frame.sock === Sock.CLOSED) throw new Failed('x-closed');
    if (frame.client.wrote !== wrote) {
      wrote = frame.client.wrote;
      since = performance.now();
    }
    if (frame.unsent < BATCH * MESSAGE / 2) {
      if (frame.room < BATCH * MESSAGE) return false;
      run.program.send(message, BATCH);
      run.app.ask();
    }
  }
  return run.frame.unsent > 0;
}

async function backpressure(run) {
  await run.ready();
  run.begin('backpressure');
  const { client, server } = run.before;
  run.lab('pause');
  await run.until((f) => f.server.paused, 'pause()');
  const full = await fillUp(run);
  let frame = await run.rest(150); // for the kernels' newest word
  const fit = frame.client.wrote - client.wrote;
  const kernels = { unsent: frame.client.kernel.unsent, unread: frame.server.kernel.unread };
  if (full) run.say('backpressure-full', { fit, ...kernels, held: frame.unsent });
  else run.say('backpressure-room', { fit });
  await run.rest(2500);
  const began = performance.now();
  run.lab('resume');
  frame = await run.settled(0, 20000);
  const ms = Math.round(performance.now() - began);
  const lines = run.lines();
  const resumed = lines.slice(lines.findIndex(named('resume()', Side.SERVER)) + 1);
  const drain = resumed.find(named('drain', Side.CLIENT));
  run.select(drain ?? reads(resumed, Side.SERVER)[0]);
  if (full) run.say('backpressure-after', { fit, read: frame.server.read - server.read, ms, drain: drain !== undefined });
}

/** burst waits until what a visitor sent many times over was read. */
export async function burst(run, before, bytes) {
  run.before = before;
  const frame = await run.settled(before.client.wrote + before.unsent + bytes, 15000);
  const n = frame.server.reads - before.server.reads;
  run.select(run.lines().findLast(named('data', Side.SERVER)));
  run.say('burst-after', { writes: frame.client.writes - before.client.writes, reads: n, wrote: frame.client.wrote - before.client.wrote });
  return n;
}

/** scripts are in the order of their keys, 1 to 6. lab: it steers the server's end. */
export const scripts = [
  { key: 'greet', run: greet, lab: false },
  { key: 'stick', run: stick, lab: true, asks: 5 },
  { key: 'split', run: split, lab: true },
  { key: 'halfclose', run: halfclose, lab: true },
  { key: 'reset', run: reset, lab: false },
  { key: 'backpressure', run: backpressure, lab: true },
];
