// Which line of a program made a socket do what it did: the line of the call, or
// where what is called for an event was set. The page finds it for an event of the
// ladder by the socket's addresses and the place in its stream.

import { Buffer } from '../net/src/buffer.js';

const MOST = 5000; // calls that are told of in one run

const at = (address, port) => (address ? `${address.includes(':') ? `[${address}]` : address}:${port}` : '');

/** watch tells of the calls that a program makes to net, from now on. */
export function watch({ Server, Socket }, name, tell) {
  const numbers = new WeakMap();
  const set = new WeakMap(); // by socket or server: the line of each event
  const read = new WeakMap(); // bytes handed over
  let last = 0;
  let left = MOST;

  function number(of) {
    if (!numbers.has(of)) numbers.set(of, ++last);
    return numbers.get(of);
  }

  // line is where the program is now, or 0 if it is not in it.
  function line() {
    const found = new Error().stack.split('\n').find((l) => l.includes(`${name}:`));
    return Number(found?.match(/:(\d+):\d+\)?$/)?.[1] ?? 0);
  }

  // direct tells whether the program itself called the method that asks: net sets
  // events of its own as well.
  function direct() {
    const { prepareStackTrace } = Error;
    Error.prepareStackTrace = (_, frames) => frames;
    const { stack } = new Error();
    Error.prepareStackTrace = prepareStackTrace;
    if (!Array.isArray(stack)) return true; // this browser does not say
    const here = stack[0].getScriptNameOrSourceURL();
    return stack.findIndex((frame) => frame.getScriptNameOrSourceURL() !== here) === 3; // behind direct, what asks, and the method
  }

  function call(of, verb, from, where) {
    if (where > 0 && left-- > 0) tell('call', number(of), verb, from, where);
  }

  function around(proto, key, before) {
    const inner = proto[key];
    Object.defineProperty(proto, key, {
      value(...args) {
        if (left > 0) before(this, ...args);
        return inner.apply(this, args);
      },
      writable: true, configurable: true,
    });
  }

  around(Socket.prototype, 'write', (s) => call(s, 'write()', s.bytesWritten, line()));
  around(Socket.prototype, 'end', (s, chunk) => {
    const where = line();
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') call(s, 'write()', s.bytesWritten, where);
    call(s, 'end()', 0, where);
  });
  for (const [key, verb] of [['destroy', 'destroy()'], ['resetAndDestroy', 'reset()'], ['connect', 'connect()']]) {
    around(Socket.prototype, key, (s) => call(s, verb, 0, line()));
  }
  around(Server.prototype, 'listen', (s) => call(s, 'listen()', 0, line()));
  around(Server.prototype, 'close', (s) => call(s, 'close()', 0, line()));

  for (const { prototype } of [Socket, Server]) {
    for (const key of ['on', 'once', 'addListener']) {
      around(prototype, key, (of, event) => {
        const where = direct() || event === 'connection' ? line() : 0;
        if (where === 0) return;
        if (!set.has(of)) set.set(of, new Map());
        set.get(of).set(event, where);
      });
    }
    around(prototype, 'emit', (of, event, what) => {
      if (event === 'connect') tell('socket', number(of), at(of.localAddress, of.localPort), at(of.remoteAddress, of.remotePort));
      if (event === 'listening') tell('socket', number(of), at(of.address()?.address, of.address()?.port), '');
      if (event === 'connection') tell('socket', number(what), at(what.localAddress, what.localPort), at(what.remoteAddress, what.remotePort));
      let from = 0;
      if (event === 'data') {
        from = read.get(of) ?? 0;
        read.set(of, from + (typeof what === 'string' ? Buffer.byteLength(what) : what.length));
      }
      const where = set.get(of)?.get(event) ?? 0;
      call(event === 'connection' ? what : of, event, from, where);
    });
  }
}
