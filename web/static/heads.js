// The heads of the two lifelines: whose they are, and the state of each socket now.

import { get, hide, mark, put } from './dom.js';
import { Link, Mode, Server, Sock } from './frame.js';
import { t } from './words.js';

/** other tells whether another program's connection is shown. */
export const other = (frame) => frame.shown > 0 && !frame.own;

// ── states: the kernel's word, or one of ours, which has a broken edge ──

const kernel = (word) => ({ word, ours: false });
const ours = (key, ...args) => ({ word: t(key, ...args), ours: true });

function clientState(frame) {
  const { mode, sock, client } = frame;
  const { state } = client.kernel;
  if (mode === Mode.LIVE && !other(frame) && sock === Sock.CUT) return ours('gone');
  if (mode === Mode.LIVE && frame.link !== Link.OPEN) return client.seen ? ours('unknown') : null;
  if (mode === Mode.LIVE && !other(frame)) {
    if (sock === Sock.DIALING && (client.closed || !state)) return ours('connecting');
    if (sock === Sock.CLOSED || sock === Sock.FAILED) return ours('closed');
    if (sock === Sock.NONE && !client.seen) return null;
  }
  if (!client.seen) return null;
  if (client.closed) return ours('closed');
  return state ? kernel(state) : ours('open');
}

function serverState(frame) {
  const { mode, sock, why, client, server } = frame;
  if (mode === Mode.LIVE && frame.link !== Link.OPEN) return client.seen ? ours('unknown') : null;
  if (mode === Mode.LIVE && !other(frame)) {
    if (sock === Sock.FAILED) {
      if (why.phase === 'policy') return ours('notdialled');
      return nobody(frame) ? null : ours('notreached');
    }
    if (sock === Sock.DIALING) return null;
  }
  if (server.closed) return ours('closed');
  if (server.seen) return server.kernel.state ? kernel(server.kernel.state) : ours('open');
  return client.writes > 0 ? ours('unobserved') : null;
}

// nobody tells whether there was nothing at the target's address.
const nobody = ({ sock, why }) => sock === Sock.FAILED && ['ECONNREFUSED', 'ENOENT'].includes(why.code);

/** down tells whether the server would have to be started. */
export const down = (frame) => frame.listener === Server.CLOSED || (frame.listener !== Server.LISTENING && nobody(frame));

// listenerState is said only when it is not what one would think.
function listenerState(frame) {
  if (frame.mode === Mode.LIVE && frame.link !== Link.OPEN) return null;
  if (frame.listener === Server.CLOSING) return ours('closing', frame.open);
  return down(frame) && !(other(frame) && frame.listener !== Server.CLOSED) ? ours('notlistening') : null;
}

function drawState(e, state) {
  hide(e, state === null);
  if (state === null) return;
  put(e, state.word);
  e.classList.toggle('vague', state.ours);
}

// lifeOf is how a lifeline begins at its head.
function lifeOf(end, sent) {
  if (!end.seen) return 'waits';
  if (end.closed) return 'gone';
  if (sent || ['FIN_WAIT1', 'FIN_WAIT2', 'CLOSING', 'TIME_WAIT', 'LAST_ACK'].includes(end.kernel.state)) return 'ended';
  return end.paused ? 'paused' : 'runs';
}

/** drawHeads draws them. */
export function drawHeads(frame) {
  const { client, server, sock } = frame;
  drawState(get('client-state'), clientState(frame));
  drawState(get('server-state'), serverState(frame));
  drawState(get('listener-state'), listenerState(frame));
  put(get('client-addr'), client.local);
  put(get('server-addr'), server.local || (frame.mode === Mode.LIVE ? frame.target : ''));
  mark(get('client-addr'), 'title', client.local);
  const ends = get('ends');
  mark(ends, 'data-c', lifeOf(client, frame.own && sock === Sock.ENDED));
  mark(ends, 'data-s', lifeOf(server, false));
  document.body.classList.toggle('adrift', frame.mode === Mode.LIVE && frame.link !== Link.OPEN);
}
