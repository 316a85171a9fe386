// What was seen can be kept: as a file, as a diagram, as a link that holds the
// capture itself. And what was kept can be looked at again, without a server.

import { element, get, hide, mark, put } from './dom.js';
import { Mode } from './frame.js';
import { heading, outside } from './help.js';
import { INFLATED, LONGEST, TooMuch, copy, pack, parts, unpack } from './pack.js';
import { fill, plain } from './prose.js';
import { t } from './words.js';

const LARGEST = 64 << 20; // bytes of a file that is read
const formats = [
  { key: 'ndjson', file: 'porthole.ndjson', type: 'application/x-ndjson' },
  { key: 'mermaid', file: 'porthole.mmd', type: 'text/plain', copy: true },
  { key: 'pcapng', file: 'porthole.pcapng', type: 'application/vnd.tcpdump.pcap' },
];

let app = null;
let source = ''; // what the capture came from: a file's name, or nothing for a link
let problem = null; // of the last import: parts
let told = null; // of the last copy: parts

// ── links ──

// link is the address that holds the capture, and names the selected event as
// the capture will: by its place in it. There is none of a capture that whoever
// opens the link would refuse.
async function link() {
  const program = app.program();
  const compact = program.export('compact').slice();
  if (compact.length > INFLATED) return null;
  const packed = await pack(compact);
  const { selected } = app.frame();
  const e = selected ? program.ordinal(selected) : 0;
  return new URL(`#c=${packed}${e > 0 ? `&e=${e}` : ''}`, location.href).href;
}

async function share() {
  if (app.program() === null || app.frame() === null) return;
  problem = null;
  let all = false; // the dialog offers the files, too
  if (app.frame().total === 0) told = t('kept-nothing');
  else {
    const url = await link();
    all = url === null || url.length > LONGEST;
    if (all) told = t('kept-long', url?.length ?? 0, LONGEST);
    else {
      history.replaceState(history.state, '', new URL(url).hash);
      told = t(await copy(url) ? 'kept-copied' : 'kept-address', url.length);
    }
  }
  app.say(plain(told));
  open(all);
}

// ── captures ──

// bring shows a capture, and says what is wrong with it if it is none.
function bring(bytes, format, from) {
  const program = app.program();
  if (program === null) return t('kept-noprogram');
  const error = program.load(bytes, format);
  if (error) return t('kept-bad', from || t('kept-link'), error.replace(/^capture: /, ''));
  source = from;
  app.ask();
  return null;
}

async function bringFile(file) {
  if (file.size > LARGEST) problem = t('kept-large', file.name);
  else {
    try {
      problem = bring(new Uint8Array(await file.arrayBuffer()), 'ndjson', file.name);
    } catch (error) {
      problem = t('kept-bad', file.name, error.message);
    }
  }
  told = null;
  if (problem === null) {
    forget();
    get('keepbox').close();
  } else {
    app.say(plain(problem));
    open();
  }
}

// bringLink shows the capture that the address holds, if it holds one.
async function bringLink() {
  const part = parts().find((p) => p.startsWith('c='));
  if (part === undefined || app.program() === null) return;
  problem = null;
  told = null;
  try {
    problem = bring(await unpack(part.slice(2)), 'compact', '');
  } catch (error) {
    problem = t(error instanceof TooMuch ? 'kept-bomb' : 'kept-torn', INFLATED >> 20);
  }
  if (problem !== null) open();
}

// forget takes the capture out of the address, which opens something else now.
function forget() {
  const rest = parts().filter((p) => !p.startsWith('c=') && !p.startsWith('e='));
  history.replaceState(history.state, '', rest.length > 0 ? `#${rest.join('&')}` : location.pathname + location.search);
}

function leave() {
  app.program()?.live();
  forget();
  get('text').focus(); // the button goes
  app.ask();
}

/** drawKeep draws the banner of a capture. */
export function drawKeep(frame) {
  const banner = get('capture');
  hide(banner, frame.mode === Mode.LIVE);
  if (banner.hidden) return;
  const what = [source, t('events', frame.total)].filter(Boolean).join(' · ');
  put(get('capture-what'), what);
  put(get('play'), t(frame.mode === Mode.PLAYING ? 'playing' : 'play'));
  mark(get('play'), 'aria-disabled', frame.mode === Mode.PLAYING);
}

// ── the dialog ──

function save(format) {
  const bytes = app.program().export(format.key).slice();
  const url = URL.createObjectURL(new Blob([bytes], { type: format.type }));
  const a = element('a', '', { href: url, download: format.file });
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

function button(key, act, className = 'out') {
  const e = element('button', className, { type: 'button' });
  e.textContent = t(key);
  e.addEventListener('click', act);
  return e;
}

function row(format) {
  const section = element('section', '');
  const title = element('h3', '');
  title.textContent = t(`k-${format.key}`);
  const about = element('p', '');
  about.textContent = t(`k-${format.key}-about`);
  const buttons = element('div', 'row');
  buttons.append(button('kept-save', () => save(format)));
  if (format.copy) {
    buttons.append(button('kept-copy', async () => {
      const ok = await copy(new TextDecoder().decode(app.program().export(format.key)));
      told = t(ok ? 'kept-text' : 'kept-nocopy');
      open();
    }));
  }
  section.append(title, about, buttons);
  return section;
}

function importing() {
  const section = element('section', '');
  const title = element('h3', '');
  title.textContent = t('kept-open');
  const drop = element('div', 'drop row');
  // The browser's own control speaks the browser's language, not the page's.
  const file = element('input', '', { type: 'file', hidden: '', accept: '.ndjson,.jsonl,.json,application/x-ndjson' });
  file.addEventListener('change', () => { if (file.files[0]) bringFile(file.files[0]); });
  const about = element('span', '');
  about.textContent = t('kept-drop');
  drop.append(about, button('kept-choose', () => file.click()), file);
  section.append(title, drop);
  return section;
}

function notes() {
  const notes = element('div', 'notes', { role: 'status' });
  if (problem !== null) fill(notes.appendChild(element('p', 'problem')), problem);
  if (told !== null) fill(notes.appendChild(element('p', '')), told);
  return notes;
}

function linking() {
  const section = element('section', '');
  const title = element('h3', '');
  title.textContent = t('share');
  const about = element('p', '');
  about.textContent = t('kept-share');
  const buttons = element('div', 'row');
  buttons.append(button('kept-link-copy', share));
  section.append(title, about, buttons);
  return section;
}

// open shows the dialog, or draws it anew: all of it, or what there is to say.
function open(all = true) {
  const box = get('keepbox');
  const inner = element('div', '');
  const ready = all && app.program() !== null && app.frame() !== null;
  inner.append(heading('h-keep', t(all ? 'keep' : 'share')), notes());
  if (ready) inner.append(linking(), ...formats.map(row), importing());
  box.replaceChildren(inner);
  if (!box.open) box.showModal();
}

// dropped takes a file that is let go over the page.
function dropped() {
  const files = (event) => event.dataTransfer?.types.includes('Files');
  document.addEventListener('dragover', (event) => {
    if (!files(event)) return;
    event.preventDefault();
    document.body.classList.add('dropping');
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) document.body.classList.remove('dropping');
  });
  document.addEventListener('drop', (event) => {
    if (!files(event)) return;
    event.preventDefault();
    document.body.classList.remove('dropping');
    if (event.dataTransfer.files[0]) bringFile(event.dataTransfer.files[0]);
  });
}

/** keeper makes the buttons of it work, and looks at the address once there is
    a program. */
export function keeper(of) {
  app = of;
  get('keep').addEventListener('click', () => {
    problem = null;
    told = null;
    open();
  });
  get('share').addEventListener('click', share);
  get('play').addEventListener('click', ({ currentTarget }) => {
    if (currentTarget.getAttribute('aria-disabled') !== 'true') app.program()?.play();
    app.ask();
  });
  get('golive').addEventListener('click', leave);
  document.addEventListener('porthole:ready', bringLink);
  addEventListener('hashchange', bringLink);
  outside(get('keepbox'));
  dropped();
}
