// The tests' own runner, for a page and for Node alike: there net is porthole-net,
// here it is Node's own.
import net from 'net';

export { net };
export const inPage = typeof net.ready === 'function';
export const Buffer = globalThis.Buffer ?? net.Buffer;
const major = inPage ? Infinity : Number(process.versions.node.split('.')[0]);
const patience = 10_000; // ms, of a test

const tests = [];

/** test adds one. It is skipped by a Node older than since. */
export function test(name, run, { since = 0 } = {}) {
  tests.push({ name, run, since });
}

/** equal wants two values to be the same, as JSON shows them. */
export function equal(got, want, what = 'value') {
  const [a, b] = [got, want].map((v) => JSON.stringify(v) ?? String(v));
  if (a !== b) throw new Error(`${what}: got ${a}, want ${b}`);
}

export function ok(value, what = 'it') {
  if (!value) throw new Error(`${what} does not hold: ${value}`);
}

/** throws wants a call to throw an error with a code, and returns it. */
export function throws(call, code, Base = Error) {
  try {
    call();
  } catch (error) {
    equal(error.code, code, `code of ${error}`);
    ok(error instanceof Base, `${error} is a ${Base.name}`);
    return error;
  }
  throw new Error(`nothing is thrown, want ${code}`);
}

let fail = () => {}; // ends the test that runs

/** once waits for an event, and gives its arguments. */
export function once(emitter, event) {
  return new Promise((resolve) => {
    emitter.once(event, (...args) => resolve(args));
  });
}

/** failing waits for an error of an emitter that must come. */
export async function failing(emitter, code) {
  const [error] = await once(emitter, 'error');
  equal(error.code, code, `code of ${error}`);
  return error;
}

let cleanups = [];

/** serve starts a server on any port of the loopback. It ends with the test. */
export async function serve(...args) {
  const server = net.createServer(...args);
  tidy(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** unused is n ports where no one listens. */
export async function unused(n) {
  const servers = await Promise.all(Array.from({ length: n }, () => serve()));
  const ports = servers.map((server) => server.address().port);
  for (const server of servers) server.close();
  await Promise.all(servers.map((server) => once(server, 'close')));
  return ports;
}

/** tidy ends a server, and its connections, with the test. */
export function tidy(server) {
  const open = new Set();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
  });
  cleanups.push(() => {
    for (const socket of open) socket.destroy();
    if (server.listening) server.close();
  });
}

/** dial connects to a server. It ends with the test. */
export function dial(server, options = {}, ...args) {
  const socket = net.connect({ port: server.address().port, host: '127.0.0.1', ...options }, ...args);
  cleanups.push(() => socket.destroy());
  return socket;
}

/** elsewhere waits for a byte to go there and back on a connection of its own: what
    was on its way before that has come. */
export async function elsewhere() {
  const server = await serve((socket) => socket.pipe(socket));
  const socket = dial(server);
  socket.end('x');
  await read(socket);
  server.close();
  await once(server, 'close');
}

/** still waits until a number does not change any more. */
export async function still(number) {
  for (let last = number(), same = 0; same < 10; same = number() === last ? same + 1 : 0) {
    last = number();
    await elsewhere();
  }
}

/** pair is both ends of a connection. */
export async function pair(ofServer = {}, ofClient = {}) {
  const server = await serve(ofServer);
  const accepted = once(server, 'connection');
  const client = dial(server, ofClient);
  const [[socket]] = await Promise.all([accepted, once(client, 'connect')]);
  return { server, client, socket };
}

/** read reads n bytes, or to the end, as text. */
export async function read(socket, n = Infinity) {
  const chunks = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const done = () => {
      socket.off('data', take).off('end', done).off('error', reject);
      resolve(Buffer.concat(chunks).toString());
    };
    const take = (chunk) => {
      chunks.push(Buffer.from(chunk));
      size += chunk.length;
      if (size >= n) done();
    };
    socket.on('data', take);
    socket.once('end', done);
    socket.once('error', reject);
  });
}

/** log notes which events come, in order. */
export function log(emitter, ...events) {
  const seen = [];
  for (const event of events) emitter.on(event, () => seen.push(event));
  return seen;
}

async function attempt(run) {
  cleanups = [];
  let timer;
  try {
    await Promise.race([
      new Promise((resolve, reject) => {
        fail = reject;
        timer = setTimeout(() => reject(new Error(`not done after ${patience} ms`)), patience);
      }),
      run(),
    ]);
  } finally {
    clearTimeout(timer);
    fail = () => {};
    for (const cleanup of cleanups.reverse()) cleanup();
  }
}

/** runAll runs the tests one after the other, and gives what became of each. */
export async function runAll(say = () => {}, only = '') {
  const stray = (error) => fail(error?.reason ?? error?.error ?? error);
  if (inPage) {
    addEventListener('error', (event) => {
      event.preventDefault();
      stray(event);
    });
    addEventListener('unhandledrejection', (event) => {
      event.preventDefault();
      stray(event);
    });
    await net.ready({ listen: true });
  } else {
    process.on('uncaughtException', stray);
  }
  const results = [];
  for (const { name, run, since } of tests) {
    if (!name.includes(only)) continue;
    const result = { name, outcome: 'pass' };
    if (major < since) {
      result.outcome = 'skip';
      result.why = `Node ${major} lacks it`;
    } else {
      try {
        await attempt(run);
      } catch (error) {
        result.outcome = 'fail';
        result.why = String(error?.stack ?? error);
      }
    }
    results.push(result);
    say(`${result.outcome} ${name}${result.why ? `: ${result.why}` : ''}`);
  }
  return results;
}
