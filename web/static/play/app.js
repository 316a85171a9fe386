// The playground: a server and a client for Node's net, written and run here, and
// beside them the ladder of what their sockets do.

import './words.js';
import { get, hide } from '../dom.js';
import { Link, Offer } from '../frame.js';
import { Frames } from '../frames.js';
import { gate, drawGateway } from '../gate.js';
import { drawHeads } from '../heads.js';
import { fill } from '../prose.js';
import { drawTools, tools } from '../tools.js';
import { say } from '../voice.js';
import { t, translate } from '../words.js';
import { carry, drawCame } from './carry.js';
import { consoles, retell } from './console.js';
import { Panes } from './panes.js';

const frames = new Frames({ beside: drawBeside, told: tell, fault: drawCard });
let fault = null; // why there is no program: makes parts of a sentence

const app = {
  program: () => frames.program,
  frame: () => frames.frame,
  ask: frames.ask,
  say,
  home: () => panes.focus(),
  targets: () => frames.frame?.target ?? '',
  overhear: (bytes) => frames.program?.overhear(bytes),
};
const panes = new Panes(app);

function drawBeside(frame) {
  drawGateway(frame);
  drawHeads(frame);
  drawTools(frame);
  drawCard();
  panes.trace(frame);
}

// matter is what the card has to say: parts of a sentence.
function matter() {
  if (fault !== null) return fault();
  const { frame } = frames;
  if (frame === null || frame.link !== Link.OPEN) return null;
  if (!(frame.offers & Offer.LISTEN)) return frame.conns.length === 0 ? t('p-unoffered') : null;
  if (frame.conns.length > 0) return null;
  const [, host, port] = panes.listens().match(/^(.*):(\d+)$/) ?? [];
  if (port) return t('p-nc', `nc ${host.replace(/[[\]]/g, '')} ${port}`);
  return panes.running() ? null : t('p-empty');
}

function drawCard() {
  const about = matter();
  hide(get('card'), about === null);
  if (about !== null) fill(get('card').firstElementChild, about);
}

function tell(before) {
  if (frames.frame.link === Link.LOST && before?.link !== Link.LOST) say(t('lost'));
}

gate(app);
tools(app);
consoles();
translate(() => {
  frames.ladder.retell();
  panes.retell();
  drawCame();
  retell();
  frames.ask();
});
panes.retell(); // the language is known now
carry(app, panes);

// fail shows why there is no program. What is written here runs without it.
function fail(about) {
  fault = about;
  frames.use(null);
}

/** attach shows a program once it has started. ears are what it is to be told by. */
export async function attach(started, ears) {
  Object.assign(ears, { news: () => frames.news() });
  try {
    const { ended } = await started;
    ended.finally(() => fail(() => t('stopped')));
  } catch (error) {
    fail(() => t('p-blind', error.message));
    return;
  }
  frames.use(globalThis.porthole);
}
