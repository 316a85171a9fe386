import { nextTick } from './process.js';
import { Session } from './session.js';

// The gateway that a program's sockets go through, and the session with it.
const settings = { url: null, protocols: [], WebSocket: null };
let current = null;

/** configure says where the gateway is. It holds for the next session: call it
    before the first socket, or behind disconnect. */
export function configure({ url, protocols, WebSocket } = {}) {
  if (url !== undefined) settings.url = url;
  if (protocols !== undefined) settings.protocols = [protocols].flat();
  if (WebSocket !== undefined) settings.WebSocket = WebSocket;
}

/** address is where the gateway is: beside the page, unless it is told. */
function address() {
  if (settings.url === null && !globalThis.location) throw new Error('porthole: outside of a page configure({ url }) says where the gateway is');
  const url = new URL(settings.url ?? 'ws', globalThis.document?.baseURI ?? globalThis.location?.href);
  url.protocol = url.protocol.replace(/^http/, 'ws');
  return url.href;
}

/** session is the one there is, or a new one. */
export function session() {
  if (current === null || current.over !== null) {
    current = new Session({ url: address, protocols: settings.protocols, WebSocket: settings.WebSocket ?? globalThis.WebSocket });
    if (spares.wanted) current.begun.then(stock, () => {});
  }
  return current;
}

/** era counts the calls of disconnect: what was begun in one ends with it. */
export let era = 0;

/** disconnect ends the session and all that it carries. The next socket begins
    another. */
export function disconnect() {
  era++;
  wait = 0;
  trying?.stop();
  spares.wanted = false;
  spares.kept = [];
  current?.end();
}

// Servers that have lost their gateway try together, at other times than other pages.
let trying = null;
let wait = 0; // ms, the longest before the next try

/** again resolves when there is another session, and rejects if there was none to
    be had. */
export function again() {
  if (trying === null) {
    wait = Math.min(2 * wait || 250, 10_000);
    const due = new Promise((done, fail) => {
      const timer = setTimeout(done, wait * (1 + Math.random()) / 2);
      trying = {
        stop() {
          clearTimeout(timer);
          fail(new Error('porthole: disconnected'));
        },
      };
    }).finally(() => { trying = null; });
    trying.session = due.then(() => session().begun);
  }
  return trying.session;
}

/** regained is told that the way to the gateway, and to a port, is free. */
export function regained() {
  wait = 0;
}

// A program may listen on any port and ask at once which it is, and no answer of a
// gateway can come that soon. So some listeners are kept ready for it.
const spares = { wanted: false, kept: [] };
const enough = 2;

/** stock makes as many spares as there should be. One that cannot be had is not
    missed before a program listens. */
function stock() {
  const s = session();
  spares.kept = spares.kept.filter((spare) => spare.session === s);
  while (s.hello?.offers.includes('listen') && spares.kept.length < enough) {
    const spare = s.listen('', 0, 0);
    spares.kept.push(spare);
    spare.made = new Promise((done) => {
      const drop = () => {
        spares.kept = spares.kept.filter((kept) => kept !== spare);
        done();
      };
      spare.onlistening = done;
      spare.onfailed = drop;
      spare.ongone = drop;
    });
  }
  return Promise.all(spares.kept.map(({ made }) => made));
}

/** ready resolves once the gateway has answered; with listen, once address() can
    answer in the same turn as listen(0). It rejects if there is no gateway. */
export async function ready({ listen = false } = {}) {
  const { begun } = session();
  await begun;
  if (listen) {
    spares.wanted = true;
    await stock();
  }
}

/** listener listens: on any port with a spare, if there is one that is where it
    should be. */
export function listener(host, port, family) {
  const s = session();
  if (port !== 0) return s.listen(host, port, family);
  const anywhere = host === '' || host === '::' || host === '0.0.0.0';
  const fits = ({ local }) => local !== null && (family === 0 || local.family === `IPv${family}`)
    && (anywhere || host === local.address || (host === 'localhost' && /^127\.|^::1$/.test(local.address)));
  const i = spares.kept.findIndex((spare) => spare.session === s && s.over === null && fits(spare));
  spares.wanted = true;
  nextTick(() => session().begun.then(stock, () => {}));
  return i < 0 ? s.listen(host, port, family) : spares.kept.splice(i, 1)[0];
}
