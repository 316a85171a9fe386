// The page: loads the program, asks it once a frame what is to be drawn, and
// passes on what the visitor does. The program is Go (web/page); what it knows
// is on the object porthole, and nothing is known here that no frame told.

import { dress, get, mark, put, size } from './dom.js';
import { canConnect, canSend, drawEnds, showCard, wish } from './ends.js';
import { Link, Sock, decode } from './frame.js';
import { Ladder } from './ladder.js';
import { Talk } from './talk.js';
import { t, translate } from './words.js';

const ladder = new Ladder(changed);
const talk = new Talk();
let program = null; // the object porthole, once it runs
let fault = null; // why it does not: makes a matter for the card
let frame = null; // the last one
let due = false;

/** changed asks for a frame. */
function changed() {
  if (due) return;
  due = true;
  requestAnimationFrame(draw);
}

function draw() {
  due = false;
  if (fault !== null) drawFault();
  if (program === null) return;
  const { first, rows } = ladder.wanted();
  const before = frame;
  frame = decode(program.frame(first, rows, talk.version));
  const answer = talk.draw(frame);
  drawGateway();
  drawEnds(frame, talk.said.length > 0);
  ladder.draw(frame); // last: it follows the foot, where the card is
  tell(before, answer);
}

// ── the gateway ──

let adrift = false; // it was lost, and has not answered since
let tick = 0;

function drawGateway() {
  if (frame.link === Link.LOST) adrift = true;
  if (frame.link === Link.OPEN) adrift = false;
  put(get('gate-addr'), location.host);
  put(get('gate-state'), t(['linking', 'linked', 'unlinked'][frame.link]));
  dress(get('gate-dot'), ['linking', 'linked', 'unlinked'][frame.link]);
  const banner = get('banner');
  if (banner.hidden === adrift) {
    if (banner.contains(document.activeElement)) get('text').focus();
    banner.hidden = !adrift;
  }
  clearTimeout(tick);
  const wait = frame.retry - performance.now();
  const waits = frame.link === Link.LOST && wait > 0;
  put(get('retry-in'), waits ? t('retryIn', Math.ceil(wait / 1000)) : t('retrying'));
  if (waits) tick = setTimeout(changed, wait % 1000 + 20); // when the next second begins
}

// ── what is read aloud: one thing a second at most, the newest ──

const live = get('live');
let spoken = 0;
let saying = 0;

function say(text) {
  clearTimeout(saying);
  saying = setTimeout(() => {
    spoken = performance.now();
    live.textContent = text;
  }, Math.max(0, spoken + 1000 - performance.now()));
}

function tell(before, answer) {
  if (frame.link === Link.LOST && before?.link !== Link.LOST) say(t('lost'));
  else if (frame.sock !== before?.sock && [Sock.UP, Sock.CLOSED, Sock.FAILED].includes(frame.sock) && frame.link === Link.OPEN) {
    say(frame.sock === Sock.UP ? t('isConnected') : get('card').textContent);
  } else if (answer) say(t('answered', answer.slice(-80)));
}

// ── what the visitor does ──

get('send').addEventListener('submit', (event) => {
  event.preventDefault();
  if (program === null || frame === null) return;
  const { text, times, bytes } = wish();
  if (canConnect(frame)) program.connect();
  else if (bytes > 0 && canSend(frame, bytes)) program.send(text, times);
  changed();
});

for (const call of ['end', 'destroy', 'reset']) {
  get(call).addEventListener('click', (event) => {
    if (event.currentTarget.getAttribute('aria-disabled') === 'false') program[call]();
  });
}
get('retry').addEventListener('click', () => program.retry());
get('text').addEventListener('input', changed);
get('times').addEventListener('change', changed);
get('more').addEventListener('click', (event) => {
  const open = get('ends').classList.toggle('opened');
  mark(event.currentTarget, 'aria-expanded', open);
});

translate(() => {
  ladder.retell();
  talk.retell();
  changed();
});

// ── loading ──

// gateway is where the page's WebSocket goes: beside the page, wherever that is.
function gateway() {
  const url = new URL('ws', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

// terminal is the way that needs no program.
const terminal = 'printf 哇咔咔 | nc localhost 1234';

// count shows how much of a response has come. It counts a copy, so that the
// browser can keep the program in compiled form with the original.
async function count(response) {
  let bytes = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return;
    bytes += value.length;
    const loaded = get('loaded');
    if (loaded) put(loaded, size(bytes));
  }
}

// fail shows why there is no program.
function fail(about) {
  fault = about;
  changed();
}

function drawFault() {
  showCard(fault());
  const state = get('client-state');
  state.className = 'state vague';
  state.hidden = false;
  state.textContent = t('noprogram');
}

async function load() {
  if (typeof WebAssembly !== 'object') {
    fail(() => ({ say: t('noWasm'), code: terminal }));
    return;
  }
  const go = new Go(); // of wasm_exec.js
  let instance;
  try {
    const response = await fetch(new URL('page.wasm', import.meta.url));
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    count(response.clone()).catch(() => {}); // what breaks it breaks the other too
    ({ instance } = await WebAssembly.instantiateStreaming(response, go.importObject));
  } catch (error) {
    fail(() => ({ say: t('noLoad', error.message), code: terminal }));
    return;
  }
  go.run(instance).finally(() => {
    program = null;
    fail(() => ({ say: t('stopped') }));
  });
  program = globalThis.porthole;
  program.start(gateway(), changed);
}

load();
