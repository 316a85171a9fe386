// The two ends: their names and states, what can be done at each now, what the
// two kernels hold between them, and the one card that says what is the matter.
// All of it is what the last frame says.

import { get, hide, mark, put, size } from './dom.js';
import { Link, Mode, Offer, Server, Sock } from './frame.js';
import { down, drawHeads, other } from './heads.js';
import { amount, fill } from './prose.js';
import { inTab, stopTab } from './tab.js';
import { t } from './words.js';

const encoder = new TextEncoder();
const longest = 0xffff; // what a length of two bytes can say

// framed puts a frame around a message: none, a newline behind it, or its
// length in front, in two bytes, the high one first.
function framed(message, framing) {
  const before = framing === 2 ? [message.length >> 8, message.length & 0xff] : [];
  const after = framing === 1 ? [0x0a] : [];
  const data = new Uint8Array(before.length + message.length + after.length);
  data.set(before);
  data.set(message, before.length);
  data.set(after, before.length + message.length);
  return data;
}

let wished = null; // the last answer: it is asked for in every frame

/** wish is what the visitor would send now: data, how many times, bytes in all. */
export function wish() {
  const text = get('text').value;
  const times = Number(get('times').value);
  const framing = Number(get('frame').value);
  if (wished?.text === text && wished.times === times && wished.framing === framing) return wished;
  const message = encoder.encode(text);
  const tooLong = framing === 2 && message.length > longest;
  const data = tooLong ? message : framed(message, framing);
  wished = { text, times, framing, data, tooLong, bytes: data.length * times };
  return wished;
}

const live = (frame) => frame.mode === Mode.LIVE && frame.link === Link.OPEN;

/** canSend tells whether the socket takes our bytes, and there is room for them. */
export function canSend(frame, bytes) {
  return live(frame) && !other(frame) && [Sock.DIALING, Sock.UP].includes(frame.sock) && bytes <= frame.room;
}

/** canConnect tells whether there is a gateway, and no socket. */
export function canConnect(frame) {
  return live(frame) && !other(frame) && [Sock.NONE, Sock.CLOSED, Sock.FAILED, Sock.CUT].includes(frame.sock);
}

/** canLab tells whether the server's end of what is shown obeys us. */
export function canLab(frame) {
  return live(frame) && !inTab() && (frame.offers & Offer.LAB) > 0 && frame.own && frame.server.seen && !frame.server.closed;
}

// ── the pipe: four heaps of bytes, each against what holds it ──

// heap is how much of a bar is full: log scale, 1 KB at 45 %, 1 MB at 90 %.
const heap = (bytes) => (bytes > 0 ? Math.min(1, Math.max(0.03, 0.15 * Math.log10(bytes))) : 0);

function drawHeap(number, bar, kernelOfEnd, bytes) {
  put(number, kernelOfEnd.known ? amount(bytes) : '–');
  number.classList.toggle('hot', bytes > 0);
  const full = heap(bytes).toFixed(3);
  if (bar.full === full) return;
  bar.full = full;
  bar.style.setProperty('--v', full);
}

function drawPipe({ client, server }) {
  for (const [id, atClient, atServer] of [['c2s', 'unsent', 'unread'], ['s2c', 'unread', 'unsent']]) {
    const [c, s] = get(id).querySelectorAll('b');
    const [left, right] = get(id).querySelectorAll('.q');
    drawHeap(c, left, client.kernel, client.kernel[atClient]);
    drawHeap(s, right, server.kernel, server.kernel[atServer]);
  }
}

const STILL = 300; // ms without a byte taken, until we say that write() waits
const moved = { wrote: -1, at: 0, timer: 0 };

// drawHeld says what our page holds because the kernel has not taken it.
function drawHeld(frame, ask) {
  const held = get('held');
  const { unsent, client } = frame;
  hide(held, !(unsent > 0 && live(frame)));
  if (held.hidden) return;
  if (client.wrote !== moved.wrote) {
    moved.wrote = client.wrote;
    moved.at = performance.now();
    clearTimeout(moved.timer);
    moved.timer = setTimeout(ask, STILL + 20);
  }
  put(held, t(performance.now() - moved.at >= STILL ? 'stuck' : 'held', amount(unsent)));
}

// ── the card ──

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
function refusal({ why, target, offers }) {
  if (why.phase === 'policy' && why.code === 'EACCES') {
    const at = address(why);
    return { say: at === target ? t('forbidden', target) : t('unlisted', at, target) };
  }
  if (why.code === 'ECONNREFUSED' || why.code === 'ENOENT') {
    if (offers & Offer.SERVER) return { say: t('down', target), button: t('startserver') };
    return { say: t('refused', target), code: 'go run ./tcpserver' + (target === 'localhost:1234' ? '' : ` --listen ${target}`) };
  }
  return { say: t('failed', node(why)) };
}

// matter is what the card has to say: parts of a sentence, a line to copy, a button.
function matter(frame) {
  const { sock, why, client } = frame;
  const { text, times, bytes, tooLong } = wish();
  if (!live(frame)) return null;
  if (other(frame)) return { say: t('notours') };
  if (sock === Sock.FAILED) return refusal(frame);
  if (sock === Sock.CLOSED) return { say: why.code ? t('broke', why.code) : t('over') };
  if (sock === Sock.CUT) return { say: t('went') };
  if (sock !== Sock.UP) return null;
  if (tooLong) return { say: t('longest', size(longest)) };
  if (bytes > frame.room) {
    return { say: frame.unsent > 0 ? t('full', size(frame.unsent)) : t('tooBig', size(frame.room)) };
  }
  return client.writes === 0 && text ? { say: t('empty', times > 1 ? `${text} ×${times}` : text) } : null;
}

/** showCard shows a matter, or with null nothing. */
export function showCard(about) {
  const card = get('card');
  const key = JSON.stringify(about);
  if (card.dataset.key === key) return;
  card.dataset.key = key;
  if (card.contains(document.activeElement)) get('text').focus();
  hide(card, about === null);
  card.replaceChildren(); // it describes the button, hidden or not
  if (about === null) return;
  const add = (tag, className) => card.appendChild(Object.assign(document.createElement(tag), { className }));
  fill(add('p', ''), about.say);
  if (about.code) put(add('pre', ''), about.code);
  if (about.button) put(Object.assign(add('button', 'out'), { type: 'button', id: 'start' }), about.button);
}

// ── drawing ──

const allow = (id, on) => mark(get(id), 'aria-disabled', !on);
const allowed = (e) => e.getAttribute('aria-disabled') !== 'true';

let ask = () => {};
let greeted = false; // hello has come, so what is on offer is known
let shown = 0; // the pair that the select is about

function drawServerVerbs(frame) {
  if (frame.link === Link.OPEN) greeted = true;
  const lab = !greeted || frame.mode !== Mode.LIVE || (frame.offers & Offer.LAB) > 0;
  hide(get('reading'), !lab);
  hide(get('serverops'), !lab);
  hide(get('also'), lab || frame.target === '');
  put(get('nc'), netcat(frame.target));

  const can = canLab(frame);
  for (const id of ['pause', 'server-end', 'server-reset']) allow(id, can);
  mark(get('pause'), 'aria-pressed', frame.server.seen && frame.server.paused);
  mark(get('pause'), 'title', frame.server.paused ? t('resumes') : '');
  if (get('upto').disabled === can) get('upto').disabled = !can;
  if (frame.shown !== shown) get('upto').value = '0';
  shown = frame.shown;

  const listener = get('listener');
  hide(listener, greeted && frame.mode === Mode.LIVE && !(frame.offers & Offer.SERVER));
  put(listener, t(down(frame) ? 'startserver' : 'closeserver'));
  mark(listener, 'aria-disabled', !(live(frame) && (frame.listener === Server.LISTENING || down(frame))));
}

/** drawEnds draws all of it. */
export function drawEnds(frame) {
  const { sock } = frame;
  drawHeads(frame);
  drawPipe(frame);
  drawHeld(frame, ask);
  drawServerVerbs(frame);

  const mine = live(frame) && !other(frame);
  const open = mine && [Sock.DIALING, Sock.UP, Sock.ENDED, Sock.PEER_ENDED].includes(sock);
  const connect = canConnect(frame);
  const { bytes, tooLong } = wish();
  put(get('go'), t(connect ? 'connect' : 'send'));
  allow('go', connect || (canSend(frame, bytes) && !tooLong && bytes > 0));
  allow('end', open && sock !== Sock.ENDED && sock !== Sock.PEER_ENDED);
  allow('destroy', open);
  allow('reset', open);
  showCard(matter(frame));
}

// ── what the visitor does here ──

// send writes what is wished, or opens a socket if there is none.
function send(app) {
  const program = app.program();
  const frame = app.frame();
  if (program === null || frame === null) return;
  const { data, times, bytes, tooLong } = wish();
  if (canConnect(frame)) program.connect();
  else if (bytes > 0 && !tooLong && canSend(frame, bytes)) {
    document.dispatchEvent(new CustomEvent('porthole:sent', { detail: { times, bytes, before: frame } }));
    program.send(data, times);
  }
  app.ask();
}

// start brings the server back, and our socket to it. That it listens may not
// be told to us: then connecting shows it.
async function start(app) {
  const program = app.program();
  program.lab('listen', 0);
  await app.until((f) => f.listener === Server.LISTENING && canConnect(f), 1000).catch(() => {});
  if (canConnect(app.frame())) program.connect();
  app.ask();
}

/** ends makes the heads do what their buttons say. */
export function ends(app) {
  ask = app.ask;
  const press = (id, act) => get(id).addEventListener('click', ({ currentTarget }) => {
    if (app.program() === null || !allowed(currentTarget)) return;
    act(app.program(), app.frame());
    app.ask();
  });
  get('send').addEventListener('submit', (event) => {
    event.preventDefault();
    send(app);
  });
  for (const call of ['end', 'destroy', 'reset']) press(call, (program) => program[call]());
  press('pause', (program, frame) => program.lab(frame.server.paused ? 'resume' : 'pause', 0));
  press('server-end', (program) => program.lab('end', 0));
  press('server-reset', (program) => program.lab('reset', 0));
  press('listener', (program, frame) => {
    if (inTab()) stopTab();
    else if (down(frame)) start(app);
    else program.lab('close', 0);
  });
  get('card').addEventListener('click', ({ target }) => {
    if (target.id === 'start' && app.program() !== null) start(app);
  });
  get('upto').addEventListener('change', ({ target }) => app.program()?.lab('limit', Number(target.value)));
  get('text').addEventListener('input', app.ask);
  for (const id of ['times', 'frame']) get(id).addEventListener('change', app.ask);
  get('more').addEventListener('click', ({ currentTarget }) => {
    mark(currentTarget, 'aria-expanded', get('ends').classList.toggle('opened'));
  });
}
