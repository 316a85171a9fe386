// What readable-stream needs of Node's process. The package that it names for
// this waits for a timer each time, of which a browser allows 250 a second.

/** nextTick runs a function once the code that runs now has returned. */
export const nextTick = (fn, ...args) => queueMicrotask(() => fn(...args));

const waiting = [];
let channel = null;

/** later runs a function in a turn of its own, behind all that ticks: where Node
    tells that a socket is closed. A timer would be held back in a hidden page. */
export function later(fn) {
  if (globalThis.setImmediate) {
    globalThis.setImmediate(fn);
    return;
  }
  if (channel === null) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()();
  }
  waiting.push(fn);
  channel.port2.postMessage(null);
}

export default { nextTick };
