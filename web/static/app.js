// The page: asks the program once a frame what is to be drawn, and passes on
// what the visitor does. The program is Go (web/page); what it knows is on the
// object porthole, and nothing is known here that no frame told.

import { dress, get, hide, mark, put } from './dom.js';
import { ends, drawEnds, showCard } from './ends.js';
import { Link, Mode, Offer, Sock, decode } from './frame.js';
import { help } from './help.js';
import { drawInspect, inspector } from './inspect.js';
import { keeper, drawKeep } from './keep.js';
import { Ladder } from './ladder.js';
import { tools, drawTools } from './tools.js';
import { lessons, drawTry } from './try.js';
import { drawTab, tabs } from './tab.js';
import { t, translate } from './words.js';

let program = null; // the object porthole, once it runs
let fault = null; // why it does not: makes a matter for the card
let frame = null; // the last one
const waiters = new Set();

// What the parts of the page share.
const app = {
  program: () => program,
  frame: () => frame,
  ask,
  say,
  until,
};
const ladder = new Ladder(ask);

// ── frames ──

const NEWS = 45; // ms at least between two frames that only news ask for: no eye reads faster
const REST = 100; // ms between two drawings of what is beside the ladder, while only numbers change
const HIDDEN = 100; // ms

let call = 0; // of draw, before the browser's next picture
let timer = 0; // of due
let asked = false; // by the visitor, or by a part: all is drawn
let told = -Infinity; // when the last frame was that only news had asked for
let rested = -Infinity; // when all was drawn
let rest = 0; // the timer that sees to it, should no more news come

/** ask asks for a frame, in which all is drawn. */
function ask() {
  asked = true;
  if (document.hidden) timer ||= setTimeout(due, HIDDEN);
  else due();
}

// news asks for a frame that shows what has come.
function news() {
  if (call !== 0 || timer !== 0) return;
  const wait = document.hidden ? HIDDEN : told + NEWS - performance.now();
  if (wait > 0) timer = setTimeout(due, wait);
  else due();
}

// due sees to it that draw is called. A hidden page has no pictures: there it is
// called at once, or a lesson would stand still until the visitor comes back,
// and what is read aloud with it.
function due() {
  clearTimeout(timer);
  timer = 0;
  if (document.hidden) draw();
  else call ||= requestAnimationFrame(draw);
}

document.addEventListener('visibilitychange', () => {
  cancelAnimationFrame(call); // it may not come
  call = 0;
  ask();
});

/** until resolves with the first frame for which test holds, and rejects after ms. */
function until(test, ms) {
  return new Promise((resolve, reject) => {
    const waiter = { test, resolve };
    waiter.timer = setTimeout(() => {
      waiters.delete(waiter);
      reject(new Error('timeout'));
    }, ms);
    waiters.add(waiter);
    ask();
  });
}

function answer() {
  for (const waiter of waiters) {
    if (!waiter.test(frame)) continue;
    clearTimeout(waiter.timer);
    waiters.delete(waiter);
    waiter.resolve(frame);
  }
}

function draw() {
  const now = performance.now();
  call = 0;
  if (fault !== null) drawFault();
  if (program === null) return;
  const { first, rows } = ladder.wanted(program);
  const before = frame;
  frame = decode(program.frame(first, rows));
  if (!asked) told = now;
  if (asked || now - rested >= REST || differs(before, frame)) {
    asked = false;
    rested = now;
    clearTimeout(rest);
    rest = 0;
    drawBeside();
  } else rest ||= setTimeout(ask, rested + REST - now);
  ladder.draw(frame, program); // last: it follows the foot, where the card is
  tell(before);
  answer();
}

// drawBeside draws all but the ladder.
function drawBeside() {
  drawGateway();
  drawEnds(frame);
  drawTools(frame);
  drawTry(frame);
  drawTab(frame);
  drawKeep(frame);
  drawInspect(frame);
}

// differs tells whether a frame brings more than other numbers.
const states = ['mode', 'link', 'retry', 'target', 'offers', 'sock', 'chosen', 'shown', 'own', 'listener', 'selected'];
const endStates = ['seen', 'closed', 'paused', 'local'];

const differs = (a, b) => a === null || states.some((k) => a[k] !== b[k]) || [[a.client, b.client], [a.server, b.server]]
  .some(([x, y]) => x.kernel.state !== y.kernel.state || endStates.some((k) => x[k] !== y[k]));

// ── the gateway ──

let adrift = false; // it was lost, and has not answered since
let lost = 0; // when the next try was to be, as it was lost last
let why = ''; // it lets no one in
let tick = 0;

function drawGateway() {
  if (frame.link === Link.LOST && frame.retry !== lost) {
    lost = frame.retry;
    adrift = true;
    askWhy();
  }
  if (frame.link === Link.OPEN) adrift = false;
  hide(get('logout'), !(frame.offers & Offer.USER));
  const state = ['linking', 'linked', 'unlinked'][frame.link];
  put(get('gate-addr'), location.host);
  put(get('gate-state'), t(state));
  dress(get('gate-dot'), state);
  const banner = get('banner');
  if (banner.hidden === adrift) {
    if (banner.contains(document.activeElement)) get('text').focus();
    banner.hidden = !adrift;
  }
  document.body.classList.toggle('adrift', frame.link !== Link.OPEN);
  clearTimeout(tick);
  const wait = frame.retry - performance.now();
  const waits = frame.link === Link.LOST && wait > 0;
  put(get('retry-why'), why && t(why));
  put(get('retry-in'), waits ? t('retryIn', Math.ceil(wait / 1000)) : t('retrying'));
  if (waits) tick = setTimeout(ask, wait % 1000 + 20); // when the next second begins
}

// askWhy asks as any request would: a WebSocket that is refused does not say why.
async function askWhy() {
  const { status } = await fetch('ws', { cache: 'no-store' }).catch(() => ({}));
  if (status === 401) location.assign('login');
  why = { 429: 'whyShare', 503: 'whyFull' }[status] ?? '';
  ask();
}

get('retry').addEventListener('click', () => program.retry());
get('logout').addEventListener('click', async () => {
  await fetch('logout', { method: 'POST' }).catch(() => {}); // then the way in tells more
  location.assign('login');
});

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

function tell(before) {
  const settled = [Sock.UP, Sock.CLOSED, Sock.FAILED].includes(frame.sock);
  if (frame.link === Link.LOST && before?.link !== Link.LOST) say(t('lost'));
  else if (frame.mode !== Mode.LIVE) return;
  else if (frame.sock !== before?.sock && settled && frame.link === Link.OPEN) {
    say(frame.sock === Sock.UP ? t('isConnected') : get('card').textContent);
  } else if (before !== null && frame.heards !== before.heards) say(t('answered', frame.heard));
}

// ── the parts ──

ends(app);
tools(app);
lessons(app);
tabs(app);
keeper(app);
inspector(app);
help(app);
translate(() => {
  ladder.retell();
  ask();
});

// ── loading ──

// terminal is the way that needs no program.
const terminal = 'printf 哇咔咔 | nc localhost 1234';

// arrived shows what share of the program has come, of so many bytes.
function arrived(share, bytes) {
  const loaded = get('loaded');
  if (!loaded) return;
  const kB = (part) => Math.round(part * bytes / 1000);
  put(loaded, t('loaded', kB(share), kB(1)));
  get('loading').style.setProperty('--loaded', share);
}

// fail shows why there is no program.
function fail(about) {
  program = null;
  fault = about;
  ask();
}

function drawFault() {
  showCard(fault());
  const state = get('client-state');
  dress(state, 'state vague');
  state.hidden = false;
  put(state, t('noprogram'));
  mark(get('go'), 'aria-disabled', true);
}

/** attach shows a program once it has started. ears are what it is to be told by. */
export async function attach(started, ears) {
  Object.assign(ears, { arrived, news });
  if (document.activeElement === document.body) get('text').focus({ preventScroll: true });
  try {
    const { ended } = await started;
    ended.finally(() => fail(() => ({ say: t('stopped') })));
  } catch (error) {
    const none = typeof WebAssembly !== 'object';
    fail(() => ({ say: none ? t('noWasm') : t('noLoad', error.message), code: terminal }));
    return;
  }
  program = globalThis.porthole;
  document.dispatchEvent(new CustomEvent('porthole:ready')); // a link may bring a capture
  ask();
}
