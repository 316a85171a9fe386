// Try: six experiments, one sentence before each and one after that tells what
// was seen. Before some, a guess: it is kept for the session.

import { element, get, hide, mark, put } from './dom.js';
import { Link, Mode, Offer } from './frame.js';
import { Failed, Run, burst, scripts } from './lessons.js';
import { fill, plain } from './prose.js';
import { t } from './words.js';

// What can be said before it is known: [what is written on it, the reads it means].
const buckets = {
  stick: [['1', 1, 1], ['2', 2, 2], ['5', 5, 5]],
  5: [['1', 1, 1], ['2–4', 2, 4], ['5', 5, 5]],
  1000: [['1–10', 1, 10], ['11–100', 11, 100], ['101–1000', 101, 1000]],
};

const CALM = 250; // ms

const KEY = 'porthole.guesses';
let guesses = {}; // by the name of the buckets: {said, was}
try { guesses = JSON.parse(sessionStorage.getItem(KEY)) ?? {}; } catch { /* no storage: kept by this page alone */ }

let app = null;
let current = null; // the script shown
let running = null; // the Run of it, or of a burst
let line = ['try-idle']; // what the lesson's line says: a key and arguments
let now = null; // the guess of this turn
let result = null; // what it was, once it is known
let turn = 0; // counts what was pressed, so that only the last begins

const buttons = [];

function say(key, ...args) {
  line = [key, ...args];
  app.say(plain(t(...line)));
  app.ask();
}

// asked is the name of the buckets to choose from now, or null.
function asked() {
  if (current?.asks) return current.key;
  const times = get('times').value;
  return running === null || running.burst ? (buckets[times] ? times : null) : null;
}

function remember(name) {
  if (now === null || result === null) return;
  guesses[name] = { said: now, was: result };
  try { sessionStorage.setItem(KEY, JSON.stringify(guesses)); } catch { /* as above */ }
}

// blocked tells why a script cannot run now, or null.
function blocked(script, frame) {
  if (frame === null) return 'try-waiting';
  if (frame.mode !== Mode.LIVE) return 'try-capture';
  if (frame.link !== Link.OPEN) return 'try-waiting';
  return script.lab && !(frame.offers & Offer.LAB) ? 'try-nolab' : null;
}

// perform makes work the one thing that runs, once what ran before has stopped.
async function perform(work) {
  const mine = ++turn;
  if (running !== null) {
    running.stop();
    await running.ended;
    await new Promise((done) => { setTimeout(done, CALM); }); // what it sent last is on its way
    if (mine !== turn) return;
  }
  const run = new Run(app, say);
  running = run;
  const clean = async () => {
    try {
      await work(run);
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      if (mine === turn && !run.quiet) say(error.key, ...error.args);
    } finally {
      if (app.program() !== null) run.tidy();
      if (running === run) running = null;
      app.ask();
    }
  };
  run.ended = clean();
  await run.ended;
}

// watch shows the ladder's newest rows: that is where it happens. It would keep
// a selected row in view instead.
function watch() {
  app.program().select(0);
  if (get('freeze').getAttribute('aria-pressed') === 'true') get('freeze').click();
  const ladder = get('ladder');
  ladder.scrollTop = ladder.scrollHeight;
}

function start(script) {
  result = null;
  say(`${script.key}-before`, { who: 'server' });
  watch();
  perform(async (run) => {
    const was = await script.run(run);
    if (!script.asks) return;
    result = was;
    remember(script.key);
  });
}

// pick shows a script; one that asks waits for the guess, or for a second press.
function pick(script) {
  const why = blocked(script, app.frame());
  if (why !== null) {
    say(why);
    return;
  }
  const again = current === script;
  current = script;
  if (script.asks && !again) {
    now = null;
    result = null;
    turn++;
    running?.stop();
    say(`${script.key}-before`);
    return;
  }
  start(script);
}

// guess takes what the visitor says, and lets the sockets answer.
function guess(said) {
  now = said;
  result = null;
  if (current?.asks) start(current);
  else get('send').requestSubmit();
}

// sent follows a burst that the visitor sends himself.
function sent({ times, bytes, before }) {
  if (running !== null && !running.burst) return; // an experiment's own
  current = null;
  if (times === 1 || !before.server.seen) return;
  const said = now;
  result = null;
  watch();
  perform(async (run) => {
    run.burst = true;
    run.quiet = true; // a paused server is no failure of ours
    const was = await burst(run, before, bytes);
    now = said;
    result = was;
    remember(String(times));
  });
}

// ── drawing ──

function drawGuess() {
  const name = asked();
  const box = get('guess');
  hide(box, name === null);
  if (name === null) return;
  put(get('ask'), t('ask', current?.asks ?? Number(name)));
  const list = get('guesses');
  if (list.dataset.of !== name) {
    list.dataset.of = name;
    if (!current?.asks) now = null;
    list.replaceChildren(...buckets[name].map(([label]) => {
      const button = element('button', '', { type: 'button', 'aria-pressed': false });
      button.textContent = label;
      button.addEventListener('click', () => guess(label));
      return button;
    }));
    const just = element('button', 'quiet', { type: 'button' });
    just.addEventListener('click', () => guess(null));
    list.append(just);
  }
  put(list.lastChild, t('justrun'));
  for (const button of list.children) {
    if (button !== list.lastChild) mark(button, 'aria-pressed', now !== null && button.textContent === now);
  }
  const last = guesses[name];
  const [key, of] = now !== null && result !== null ? ['guessed', { said: now, was: result }] : ['was', last];
  put(get('was'), of ? t(key, of.said, of.was) : '');
}

// idle is what the line says before anything was tried.
function idle(frame) {
  if (frame.link === Link.CONNECTING && frame.mode === Mode.LIVE) return 'try-idle';
  return scripts.map((script) => blocked(script, frame)).find((why) => why !== null) ?? 'try-idle';
}

/** drawTry draws what can be tried, and what was seen. */
export function drawTry(frame) {
  scripts.forEach((script, i) => {
    const button = buttons[i];
    const why = blocked(script, frame);
    put(button.lastChild, t(script.key));
    mark(button, 'aria-disabled', why !== null);
    mark(button, 'aria-pressed', current === script);
    mark(button, 'title', why === null ? '' : plain(t(why)));
  });
  mark(get('lessons'), 'aria-busy', running !== null);
  fill(get('lesson'), t(...(line[0] === 'try-idle' ? [idle(frame)] : line)));
  drawGuess();
}

/** lessons makes the buttons. */
export function lessons(of) {
  app = of;
  scripts.forEach((script, i) => {
    const button = element('button', '', { type: 'button', 'aria-pressed': false, 'aria-disabled': true });
    const key = element('kbd', '', { 'aria-hidden': true });
    key.textContent = i + 1;
    const name = element('span', '');
    name.textContent = t(script.key);
    button.append(key, name);
    button.addEventListener('click', () => pick(script));
    buttons.push(button);
  });
  get('lessons').replaceChildren(...buttons);
  fill(get('lesson'), t(...line));
  document.addEventListener('porthole:lesson', ({ detail }) => { if (scripts[detail - 1]) pick(scripts[detail - 1]); });
  document.addEventListener('porthole:sent', ({ detail }) => sent(detail));
  get('times').addEventListener('change', () => {
    current = null;
    now = null;
    result = null;
    get('guesses').dataset.of = '';
    app.ask();
  });
}
