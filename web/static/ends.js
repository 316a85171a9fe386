// The two ends: their names, states and totals, what can be done now, and the
// one card that says what is the matter. All of it is what the last frame says.

import { element, get, mark, put, size } from './dom.js';
import { Link, Sock } from './frame.js';
import { drawLives } from './ladder.js';
import { t } from './words.js';

const encoder = new TextEncoder();

/** wish is what the visitor would send now. */
export function wish() {
  const text = get('text').value;
  const times = Number(get('times').value);
  return { text, times, bytes: encoder.encode(text).length * times };
}

/** canSend tells whether the socket takes our bytes, and there is room for them. */
export function canSend(frame, bytes) {
  return frame.link === Link.OPEN && [Sock.DIALING, Sock.UP].includes(frame.sock) && bytes <= frame.room;
}

/** canConnect tells whether there is a gateway, and no socket. */
export function canConnect(frame) {
  return frame.link === Link.OPEN && [Sock.NONE, Sock.CLOSED, Sock.FAILED].includes(frame.sock);
}

// A state is the kernel's word, or one of ours, which is drawn with a broken edge.
const kernel = (word) => ({ word, ours: false });
const ours = (key) => ({ word: t(key), ours: true });

function clientState({ link, sock, client }) {
  if (link !== Link.OPEN) return client.seen ? ours('unknown') : null;
  if (sock === Sock.DIALING && (client.closed || !client.state)) return ours('connecting');
  if (sock === Sock.CLOSED || sock === Sock.FAILED || client.closed) return ours('closed');
  if (client.state) return kernel(client.state);
  return sock === Sock.NONE ? null : ours('open');
}

function serverState({ link, sock, why, client, server }) {
  if (link !== Link.OPEN) return client.seen ? ours('unknown') : null;
  if (sock === Sock.FAILED) {
    if (why.phase === 'policy') return ours('notdialled');
    return ours(['ECONNREFUSED', 'ENOENT'].includes(why.code) ? 'notlistening' : 'notreached');
  }
  if (sock === Sock.DIALING) return null;
  if (server.closed) return ours('closed');
  if (server.seen) return server.state ? kernel(server.state) : ours('open');
  return client.writes > 0 ? ours('unobserved') : null;
}

function drawState(e, state) {
  e.hidden = state === null;
  if (state === null) return;
  put(e, state.word);
  e.classList.toggle('vague', state.ours);
}

function drawFlow(id, clientBytes, clientCalls, serverBytes, serverCalls) {
  const [client, , server] = get(id).children;
  for (const [e, bytes, calls] of [[client, clientBytes, clientCalls], [server, serverBytes, serverCalls]]) {
    put(e.querySelector('b'), size(bytes));
    put(e.querySelector('.in'), calls);
  }
}

// address is "host:port", or the path alone.
const address = (why) => (why.port ? `${why.address.includes(':') ? `[${why.address}]` : why.address}:${why.port}` : why.address);

// node is what Node's error message would be.
const node = (why) => `${why.syscall} ${why.code} ${address(why)}`.trim();

// netcat is how the server is called from a terminal.
function netcat(target) {
  if (!/:\d+$/.test(target)) return `nc -U ${target}`;
  const at = target.lastIndexOf(':');
  return `nc ${target.slice(0, at).replace(/[[\]]/g, '')} ${target.slice(at + 1)}`;
}

// refusal says in plain words why there is no connection, and what would help.
function refusal({ why, target }) {
  if (why.phase === 'policy' && why.code === 'EACCES') {
    const at = address(why);
    return { say: at === target ? t('forbidden', target) : t('unlisted', at, target) };
  }
  if (why.code === 'ECONNREFUSED' || why.code === 'ENOENT') {
    return { say: t('refused', target), code: 'go run ./tcpserver' + (target === 'localhost:1234' ? '' : ` --listen ${target}`) };
  }
  return { say: t('failed', node(why)) };
}

// matter is what the card has to say: parts of a sentence, and a line to copy.
function matter(frame, talked) {
  const { link, sock, why, client } = frame;
  const { text, times, bytes } = wish();
  if (link !== Link.OPEN) return null;
  if (sock === Sock.FAILED) return refusal(frame);
  if (sock === Sock.CLOSED) return { say: why.code ? t('broke', why.code) : t('over') };
  if (sock !== Sock.UP) return null;
  if (bytes > frame.room) {
    return { say: frame.unsent > 0 ? t('full', size(frame.unsent)) : t('tooBig', size(frame.room)) };
  }
  return !talked && client.writes === 0 && text ? { say: t('empty', times > 1 ? `${text} ×${times}` : text) } : null;
}

/** showCard shows a matter, or with null nothing. */
export function showCard(about) {
  const card = get('card');
  const key = JSON.stringify(about);
  if (card.dataset.key === key) return;
  card.dataset.key = key;
  card.hidden = about === null;
  if (about === null) {
    card.replaceChildren(); // it describes the button, hidden or not
    return;
  }
  const say = element('p', '');
  say.append(...about.say.map((part) => {
    if (typeof part === 'string') return part;
    const e = element(part[0], '');
    e.textContent = part[1];
    return e;
  }));
  card.replaceChildren(say);
  if (about.code) {
    const code = element('pre', '');
    code.textContent = about.code;
    card.append(code);
  }
}

const allow = (id, on) => mark(get(id), 'aria-disabled', !on);

/** drawEnds draws all of it. talked tells whether anything was said yet. */
export function drawEnds(frame, talked) {
  const { client, server, sock, target } = frame;
  drawState(get('client-state'), clientState(frame));
  drawState(get('server-state'), serverState(frame));
  put(get('client-addr'), client.local);
  put(get('server-addr'), server.local || target);
  get('also').hidden = target === '';
  put(get('nc'), netcat(target));
  drawLives(get('ends'), frame.lanes);
  document.body.classList.toggle('adrift', frame.link !== Link.OPEN);

  drawFlow('c2s', client.wrote, t('writes', client.writes), server.read, t('reads', server.reads));
  drawFlow('s2c', client.read, t('reads', client.reads), server.wrote, t('writes', server.writes));

  const live = frame.link === Link.OPEN && [Sock.DIALING, Sock.UP, Sock.ENDED, Sock.PEER_ENDED].includes(sock);
  const connect = canConnect(frame);
  put(get('go'), t(connect ? 'connect' : 'send'));
  allow('go', connect || canSend(frame, wish().bytes));
  allow('end', live && sock !== Sock.ENDED && sock !== Sock.PEER_ENDED);
  allow('destroy', live);
  allow('reset', live);
  showCard(matter(frame, talked));
}
