// The page: asks the program once a frame what is to be drawn, and passes on
// what the visitor does. The program is Go (web/page); what it knows is on the
// object porthole, and nothing is known here that no frame told.

import { dress, get, mark, put } from './dom.js';
import { ends, drawEnds, showCard } from './ends.js';
import { Link, Mode, Sock } from './frame.js';
import { Frames } from './frames.js';
import { gate, drawGateway, parted } from './gate.js';
import { help } from './help.js';
import { drawInspect, inspector } from './inspect.js';
import { keeper, drawKeep } from './keep.js';
import { tools, drawTools } from './tools.js';
import { lessons, drawTry } from './try.js';
import { drawTab, tabs } from './tab.js';
import { say } from './voice.js';
import { t, translate } from './words.js';

const frames = new Frames({ beside: drawBeside, told: tell, fault: drawFault });

// What the parts of the page share.
const app = {
  program: () => frames.program,
  frame: () => frames.frame,
  ask: frames.ask,
  say,
  until: (test, ms) => frames.until(test, ms),
  home: () => get('text').focus(),
};

// drawBeside draws all but the ladder.
function drawBeside(frame) {
  drawGateway(frame);
  drawEnds(frame);
  drawTools(frame);
  drawTry(frame);
  drawTab(frame);
  drawKeep(frame);
  drawInspect(frame);
}

// tell has what is news read aloud.
function tell(before) {
  const { frame } = frames;
  const settled = [Sock.UP, Sock.CLOSED, Sock.FAILED].includes(frame.sock);
  if (frame.link === Link.LOST && before?.link !== Link.LOST) say(parted(frame));
  else if (frame.mode !== Mode.LIVE) return;
  else if (frame.sock !== before?.sock && settled && frame.link === Link.OPEN) {
    say(frame.sock === Sock.UP ? t('isConnected') : get('card').textContent);
  } else if (before !== null && frame.heards !== before.heards) say(t('answered', frame.heard));
}

// ── the parts ──

gate(app);
ends(app);
tools(app);
lessons(app);
tabs(app);
keeper(app);
inspector(app);
help(app);
translate(() => {
  frames.ladder.retell();
  frames.ask();
});

// ── loading ──

// terminal is the way that needs no program.
const terminal = 'printf 哇咔咔 | nc localhost 1234';

let fault = null; // why there is no program: makes a matter for the card

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
  fault = about;
  frames.use(null);
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
  Object.assign(ears, { arrived, news: () => frames.news() });
  if (document.activeElement === document.body) get('text').focus({ preventScroll: true });
  try {
    const { ended } = await started;
    ended.finally(() => fail(() => ({ say: t('stopped') })));
  } catch (error) {
    const none = typeof WebAssembly !== 'object';
    fail(() => ({ say: none ? t('noWasm') : t('noLoad', error.message), code: terminal }));
    return;
  }
  frames.use(globalThis.porthole);
  document.dispatchEvent(new CustomEvent('porthole:ready')); // a link may bring a capture
  frames.ask();
}
