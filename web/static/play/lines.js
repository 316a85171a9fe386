// The lines of the two programs that made the sockets do what the ladder shows:
// the worker tells of them (web/play/lines.js), the selected event asks.

import { Flag, Side } from '../frame.js';

const MOST = 5000; // calls of one run

const key = (local, remote) => `${local} ${remote}`;

/** Lines are those of one program, in its last run. */
export class Lines {
  constructor() { this.clear(); }

  clear() {
    this.sockets = new Map(); // by number: their addresses
    this.calls = []; // {of, verb, from, line}
    this.counts = new Map(); // by line
    this.version = (this.version ?? 0) + 1;
  }

  /** hear takes what the worker tells: a stranger's words. */
  hear(verb, ...args) {
    if (verb === 'socket' && this.sockets.size < MOST) this.sockets.set(Number(args[0]), key(String(args[1]), String(args[2])));
    if (verb !== 'call' || this.calls.length >= MOST) return;
    const [of, from, line] = [args[0], args[2], args[3]].map(Number);
    if (![of, from, line].every(Number.isSafeInteger)) return;
    this.calls.push({ of, verb: String(args[1]), from, line });
    this.counts.set(line, (this.counts.get(line) ?? 0) + 1);
    this.version++;
  }

  /** listens is where the program listens, '' if it has not said so. */
  listens() { return [...this.sockets.values()].findLast((addresses) => addresses.endsWith(' '))?.trim() ?? ''; }

  /** find is the line that made what happened to the socket with these addresses,
      there in its stream; 0 if it is not known. */
  find(name, from, local, remote) {
    const wanted = key(local, remote);
    const verbs = { listening: ['listening', 'listen()'], connect: ['connect', 'connect()'] }[name] ?? [name];
    for (const verb of verbs) {
      const found = this.calls.findLast((call) => call.verb === verb && call.from <= from && this.sockets.get(call.of) === wanted);
      if (found) return found.line;
    }
    return 0;
  }
}

/** lineOf is the side whose program made the selected event, and its line. It is
    null while no event is selected that can be seen. */
export function lineOf(frame, lines) {
  const event = frame.lines.find(({ flags }) => flags & Flag.SELECTED);
  if (!event || event.side === Side.NEITHER) return null;
  const side = event.side === Side.CLIENT ? 'client' : 'server';
  const conn = frame.conns.find(({ number }) => number === event.number);
  const ends = event.number === 0 ? [event.note, ''] : [conn?.client ?? '', conn?.server ?? ''];
  if (side === 'server' && event.number !== 0) ends.reverse();
  // Either program may have a socket of either side.
  for (const of of [side, side === 'client' ? 'server' : 'client']) {
    const line = lines[of].find(event.name, event.from, ...ends);
    if (line > 0) return { of, line };
  }
  return { of: side, line: 0 };
}
