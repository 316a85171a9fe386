// What Node has without asking for it.
import { Buffer } from 'buffer';
import process from 'process';

Object.assign(globalThis, {
  Buffer,
  process,
  global: globalThis,
  __dirname: '/',
  setImmediate: (f, ...args) => setTimeout(f, 0, ...args),
  clearImmediate: clearTimeout,
});
