// A WebSocket for a worker that has none: the page has it, and its messages go
// through a port.

import { Streams } from '../static/play/streams.js';

const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3];

/** sockets returns the class, and what is to be told of what the port says. */
export function sockets(say, life) {
  const all = new Map(); // by number
  let last = 0;

  class PortSocket extends EventTarget {
    constructor() {
      super();
      this.id = ++last;
      this.readyState = CONNECTING;
      this.binaryType = 'blob';
      this.protocol = '';
      this.extensions = '';
      this.bufferedAmount = 0;
      this.url = 'ws://porthole/ws';
      this.streams = new Streams();
      this.greeted = false; // by the gateway
      this.onopen = this.onmessage = this.onclose = this.onerror = null;
      all.set(this.id, this);
      say('open', this.id);
    }

    send(data) {
      if (this.readyState === CONNECTING) throw new DOMException('Still in CONNECTING state.', 'InvalidStateError');
      if (this.readyState !== OPEN) return;
      const view = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
      this.streams.sent(view);
      say('send', this.id, view.slice().buffer);
    }

    close(code, reason) {
      if (this.readyState >= CLOSING) return;
      this.readyState = CLOSING;
      say('close', this.id, code, reason);
    }

    // tell calls who listens.
    tell(event) {
      this[`on${event.type}`]?.(event);
      this.dispatchEvent(event);
    }
  }
  Object.assign(PortSocket, { CONNECTING, OPEN, CLOSING, CLOSED });
  Object.assign(PortSocket.prototype, { CONNECTING, OPEN, CLOSING, CLOSED });

  // One that has heard nothing yet may be about to carry what the program asked for.
  life.others.push(() => [...all.values()].some((s) => !s.greeted || s.streams.open.size > 0));

  const hears = {
    opened(ws, protocol) {
      ws.readyState = OPEN;
      ws.protocol = protocol;
      ws.tell(new Event('open'));
    },
    message(ws, data) {
      const bytes = new Uint8Array(data);
      ws.greeted = true;
      ws.tell(new MessageEvent('message', { data }));
      ws.streams.received(bytes);
    },
    closed(ws, code, reason) {
      const lost = ws.readyState === CONNECTING;
      ws.readyState = CLOSED;
      ws.streams.open.clear();
      all.delete(ws.id);
      if (lost) ws.tell(new Event('error'));
      ws.tell(Object.assign(new Event('close'), { code, reason, wasClean: code !== 1006 }));
    },
  };

  return {
    WebSocket: PortSocket,
    heard(verb, id, ...rest) {
      const ws = all.get(id);
      if (ws && Object.hasOwn(hears, verb)) hears[verb](ws, ...rest);
    },
  };
}
