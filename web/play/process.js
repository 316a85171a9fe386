// What a page has of Node's process.

import { Buffer } from 'buffer';
import EventEmitter from 'events';

const text = (chunk) => (typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());

const leave = globalThis.close.bind(globalThis); // a program may have a close of its own

/** makeProcess returns it. exit is called when the program ends itself. */
export function makeProcess(out, exit) {
  const process = new EventEmitter();
  const output = (kind) => ({
    isTTY: false,
    write(chunk, encoding, done) {
      out.write(kind, text(chunk));
      const call = typeof encoding === 'function' ? encoding : done;
      if (call) queueMicrotask(() => call());
      return true;
    },
  });
  return Object.assign(process, {
    title: 'porthole', platform: 'browser', arch: 'wasm', pid: 1, argv: ['node', '/program.js'], execArgv: [], env: {},
    version: 'v24.0.0', versions: { node: '24.0.0' }, exitCode: undefined, browser: true,
    stdout: output('stdout'), stderr: output('stderr'),
    cwd: () => '/',
    uptime: () => performance.now() / 1000,
    hrtime: Object.assign((since = [0, 0]) => {
      const ns = BigInt(Math.round(performance.now() * 1e6)) - (BigInt(since[0]) * 1000000000n + BigInt(since[1]));
      return [Number(ns / 1000000000n), Number(ns % 1000000000n)];
    }, { bigint: () => BigInt(Math.round(performance.now() * 1e6)) }),
    memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }),
    emitWarning: (warning) => out.error(`(porthole) ${warning?.name ?? 'Warning'}: ${warning?.message ?? warning}`),
    nextTick: (call, ...args) => queueMicrotask(() => call(...args)),
    exit(code) {
      exit(code);
      leave();
      throw new Error('the program has ended'); // so that nothing that follows happens
    },
  });
}
