// A socket as web streams: bytes are read when they are pulled, and a write is over
// once the kernel at the gateway has taken them.

/** readable is the way in. A peer that breaks it is its error; who cancels it closes
    the socket. */
export function readable(socket) {
  let pulled = null; // waits for bytes, or the end
  const settle = (control, end) => {
    pulled?.();
    pulled = null;
    end?.(control);
  };
  return new ReadableStream({
    type: 'bytes',
    start(control) {
      let over = false;
      const finish = (end) => () => {
        if (!over) settle(control, end);
        over = true;
      };
      socket.on('data', (chunk) => {
        socket.pause();
        control.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length).slice());
        settle(control);
      });
      socket.on('end', finish(() => {
        control.close();
        control.byobRequest?.respond(0);
      }));
      socket.on('error', (error) => finish(() => control.error(error))());
      socket.on('close', finish(() => control.error(new DOMException('The socket is closed', 'InvalidStateError'))));
      socket.pause();
    },
    pull() {
      return new Promise((resolve) => {
        pulled = resolve;
        socket.resume();
      });
    },
    cancel() {
      socket.destroy();
    },
  }, { highWaterMark: 0 });
}

/** bytesOf are those of what a page may write: a buffer, or a part of one. */
function bytesOf(chunk) {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new TypeError('a socket takes an ArrayBuffer, or a view of one');
}

/** writable is the way out. Its close ends our side; its abort resets the socket. */
export function writable(socket) {
  return new WritableStream({
    start(control) {
      socket.on('error', (error) => control.error(error));
      socket.on('close', () => control.error(new DOMException('The socket is closed', 'InvalidStateError')));
    },
    write(chunk) {
      const bytes = bytesOf(chunk);
      return new Promise((resolve, reject) => {
        socket.write(bytes.slice(), (error) => (error ? reject(error) : resolve()));
      });
    },
    close() {
      return new Promise((resolve) => { socket.end(resolve); });
    },
    abort() {
      if (!socket.destroyed) socket.resetAndDestroy();
    },
  });
}

/** outcome are the promises of how a socket connects, and how it ends. No one need
    look at them. */
export function outcome(socket, describe) {
  const opened = new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(describe()));
    socket.once('error', reject);
    socket.once('close', () => reject(new DOMException('The socket is closed', 'InvalidStateError')));
  });
  const closed = new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', resolve);
  });
  opened.catch(() => {});
  closed.catch(() => {});
  return { opened, closed };
}
