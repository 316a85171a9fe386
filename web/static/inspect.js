// The inspector: what the selected event was about. Of bytes, the ribbon and the
// strip; of anything else, what it means; of both, what the kernels held then.

import { count, dress, element, get, mark, put } from './dom.js';
import { Side, decodeInspect } from './frame.js';
import { amount, fill, span } from './prose.js';
import { ribbon } from './ribbon.js';
import { first as early, strip } from './strip.js';
import { t } from './words.js';

const PAGE = 64; // bytes in one ribbon
const EVERY = 200; // ms between two updates, while events stream
const lenses = [['utf8', 'UTF-8'], ['newline', null], ['u16', null]];

let app = null;
let parts = null; // the inspector's elements, by name
let lens = 0;
let from = 0; // the first byte shown
let width = 0; // px for the ribbon
let scrolled = false; // the ribbon is not at its beginning: to ask it would cost a layout

// What is shown now: it is drawn again when one of these is another.
const shown = { id: 0, version: -1, lens: -1, from: -1, width: 0, lang: '', key: '', at: 0, timer: 0 };

// keyOf changes when something in the inspector would look different.
const keyOf = (d) => JSON.stringify(d, (name, value) => (value instanceof Uint8Array ? value.length : value));

const sideName = (side) => t(side === Side.CLIENT ? 'client' : 'server');

// ── building ──

function build() {
  const make = (tag, className, attributes) => element(tag, className, attributes);
  const add = (to, ...children) => { to.append(...children); return to; };
  const button = (className, text) => Object.assign(make('button', className, { type: 'button' }), { textContent: text });
  const p = {
    box: get('inspect'),
    title: make('h2', '', { id: 'h-inspect' }),
    range: make('p', 'range'),
    back: button('quiet', '←'), on: button('quiet', '→'), close: button('quiet shut', '✕'),
    hint: make('p', 'hint'),
    bytes: make('div', 'bytes'),
    ribbonbox: make('div', 'ribbonbox', { tabindex: 0, role: 'region' }),
    pager: make('p', 'pager'), earlier: button('quiet', '‹'), pages: make('span', ''), later: button('quiet', '›'),
    lens: make('fieldset', 'lens'), legend: make('legend', ''), note: make('p', 'lensnote'),
    figure: make('figure', 'true', { 'aria-labelledby': 'h-true' }),
    caption: make('span', '', { id: 'h-true' }), fact: make('span', 'fact'), strip: make('div', 'strip'),
    event: make('div', 'event'), meaning: make('p', 'meaning'), facts: make('dl', 'facts'),
    kernel: make('table', 'kernel'), kcaption: make('caption', ''),
  };
  p.head = add(make('header', ''), p.title, p.range, add(make('p', 'travel'), p.back, p.on, p.close));
  const seg = make('span', 'seg');
  p.radios = lenses.map(([key, name], i) => {
    const input = make('input', '', { type: 'radio', name: 'lens', value: i });
    input.checked = i === 0;
    const label = make('span', '');
    if (name) label.textContent = name;
    else label.dataset.t = key;
    seg.append(add(make('label', ''), input, label));
    input.addEventListener('change', () => { lens = i; app.ask(); });
    return label;
  });
  add(p.lens, p.legend, seg, p.note);
  add(p.pager, p.earlier, p.pages, p.later);
  add(p.figure, add(make('figcaption', ''), p.caption, ' ', p.fact), p.strip);
  add(p.bytes, p.ribbonbox, p.pager, p.lens, p.figure);
  add(p.event, p.meaning);
  buildKernel(p);
  p.box.append(p.head, p.hint, p.event, p.bytes, p.facts, p.kernel);
  return p;
}

const columns = ['state', 'rtt', 'cwnd', 'retr', 'unsent', 'unread'];

function buildKernel(p) {
  const head = element('tr', '');
  head.append(element('td', ''));
  p.heads = columns.map(() => head.appendChild(element('th', '', { scope: 'col' })));
  const body = element('tbody', '');
  p.rows = ['c', 's'].map((side) => {
    const row = body.appendChild(element('tr', side));
    const name = row.appendChild(element('th', '', { scope: 'row' }));
    return { row, name, cells: columns.map(() => row.appendChild(element('td', ''))) };
  });
  const thead = element('thead', '');
  thead.append(head);
  p.kernel.append(p.kcaption, thead, body);
}

// ── drawing ──

// retell puts the fixed words into the visitor's language.
function retell() {
  for (const [e, key] of [[parts.back, 'i-back'], [parts.on, 'i-on'], [parts.close, 'i-close'], [parts.earlier, 'i-earlier'], [parts.later, 'i-later'], [parts.ribbonbox, 'i-bytes']]) {
    mark(e, 'aria-label', t(key));
    if (e !== parts.ribbonbox) mark(e, 'title', t(key));
  }
  put(parts.legend, t('lens'));
  put(parts.caption, t('truetime'));
  lenses.forEach(([key, name], i) => { if (!name) put(parts.radios[i], t(key)); });
  ['k-state', null, null, 'k-retr', 'unsent', 'unread'].forEach((key, i) => put(parts.heads[i], key ? t(key) : columns[i]));
  mark(parts.heads[3], 'title', t('k-retransmits'));
}

function drawHead(d) {
  const bytes = d.to > d.from;
  if (bytes) {
    put(parts.title, `${t('writes', d.writesInAll)} → ${t('reads', d.readsInAll)}`);
    const about = [t('i-towards', d.writer === Side.CLIENT), t('i-range', d.from, d.to)];
    put(parts.range, about.join(' · '));
  } else {
    put(parts.title, d.code ? `${d.name} ${d.code}` : d.name);
    put(parts.range, [d.number ? `#${d.number}` : '', sideName(d.side)].filter(Boolean).join(' · '));
  }
  const program = app.program();
  for (const [e, reads] of [[parts.back, false], [parts.on, true]]) mark(e, 'aria-disabled', program.travel(d.id, reads) === d.id);
}

// noteOf says in one sentence what the lens shows.
function noteOf(d) {
  if (!d.known.includes(1)) return t('unkept');
  if (!d.lensKnown) return t('lens-lost');
  const whole = d.framed.filter((f) => f.whole).length;
  const rest = d.framed.some((f) => !f.whole);
  if (lens === 1) return t('lens-newline', whole, rest);
  if (lens === 2) return t('lens-u16', whole, rest);
  const cut = d.cuts.find((c) => c > d.first && c < d.first + d.bytes.length);
  if (cut === undefined) return t('lens-ok');
  const glyph = d.glyphs.find((g) => g.from < cut && cut < g.to);
  const next = d.reads.find((r) => r.from === cut);
  return t('lens-cut', cut - (glyph?.from ?? cut), next?.id ?? 0, !rest);
}

function drawBytes(d) {
  parts.bytes.hidden = !(d.to > d.from);
  if (parts.bytes.hidden) return;
  parts.ribbonbox.replaceChildren(ribbon(d, width)); // it stays scrolled as it was
  if (scrolled && (shown.id !== d.id || shown.from !== d.first)) parts.ribbonbox.scrollLeft = 0;
  const all = d.to - d.from;
  parts.pager.hidden = all <= PAGE;
  put(parts.pages, t('i-page', d.first, d.first + d.bytes.length, all));
  mark(parts.earlier, 'aria-disabled', d.first <= d.from);
  mark(parts.later, 'aria-disabled', d.first + d.bytes.length >= d.to);
  put(parts.note, noteOf(d));
  parts.figure.hidden = d.writes.length + d.reads.length < 2;
  if (parts.figure.hidden) return;
  const fast = early(d);
  put(parts.fact, d.approx ? '≈' : fast ? t('early', fast.id, 'write()') : '');
  parts.strip.replaceChildren(strip(d, width));
}

// meaningOf is the sentence about an event. A close of the listener is another
// matter than that of a socket.
function meaningOf(d) {
  const server = d.number === 0 && d.side === Side.SERVER;
  return t(server && d.name === 'close' ? 'e-close-server' : `e-${d.name}`);
}

// lasts tells whether it says something how long an event took: one that is
// told by a read took as long as nothing came.
const lasts = (d) => d.took >= 1 && (d.name.endsWith('()') || ['lookup', 'connect'].includes(d.name));

function drawFacts(d) {
  const bytes = d.to > d.from;
  parts.event.hidden = bytes;
  if (!bytes) put(parts.meaning, meaningOf(d));
  const facts = [
    ['d-local', bytes ? '' : d.local], ['d-remote', bytes ? '' : d.remote], ['d-host', d.host],
    ['d-code', d.code], ['d-syscall', d.syscall], ['d-took', lasts(d) ? span(d.took) : ''],
    ['d-message', d.message > 0 ? t('i-ws', d.message) : ''],
  ].filter(([, value]) => value);
  parts.facts.hidden = facts.length === 0;
  parts.facts.replaceChildren(...facts.flatMap(([key, value]) => {
    const name = element('dt', '');
    name.textContent = t(key);
    const what = element('dd', '');
    what.textContent = value;
    return [name, what];
  }));
}

const states = (k) => [k.state || '–', k.rtt > 0 ? span(k.rtt) : '–', k.cwnd > 0 ? count(k.cwnd) : '–', count(k.retransmits), amount(k.unsent), amount(k.unread)];

function drawKernel(d) {
  parts.kernel.hidden = !d.client.known && !d.server.known;
  if (parts.kernel.hidden) return;
  put(parts.kcaption, `${t('kernelat')} #${d.kernelId}`);
  [[d.client, 'client'], [d.server, 'server']].forEach(([kernel, side], i) => {
    const { name, cells } = parts.rows[i];
    put(name, t(side));
    const values = kernel.known ? states(kernel) : columns.map(() => '–');
    cells.forEach((cell, k) => put(cell, values[k]));
    for (const [k, n] of [[3, kernel.retransmits], [4, kernel.unsent], [5, kernel.unread]]) dress(cells[k], kernel.known && n > 0 ? 'hot' : '');
  });
}

function drawNothing() {
  put(parts.title, t('inspect'));
  put(parts.range, '');
  fill(parts.hint, t('i-hint'));
  for (const e of [parts.event, parts.bytes, parts.facts, parts.kernel]) e.hidden = true;
  for (const e of [parts.back, parts.on]) mark(e, 'aria-disabled', true);
}

/** drawInspect draws what the frame says is selected. */
export function drawInspect(frame) {
  const lang = document.documentElement.lang;
  const id = frame.selected;
  if (id !== shown.id) from = 0;
  const other = id !== shown.id || lens !== shown.lens || from !== shown.from || width !== shown.width || lang !== shown.lang;
  if (!other && (id === 0 || frame.version === shown.version)) return;
  const wait = shown.at + EVERY - performance.now();
  if (!other && wait > 0) { // only news: not so often
    clearTimeout(shown.timer);
    shown.timer = setTimeout(app.ask, wait);
    return;
  }
  parts.box.classList.toggle('empty', id === 0);
  parts.hint.hidden = id !== 0;
  if (lang !== shown.lang) retell();
  let d = null;
  if (id !== 0) {
    d = decodeInspect(app.program().inspect(lens, from).slice()); // the array is used again
    const key = keyOf(d);
    if (!other && key === shown.key) {
      Object.assign(shown, { version: frame.version, at: performance.now() });
      return;
    }
    shown.key = key;
  }
  if (d === null) drawNothing();
  else {
    drawHead(d);
    drawFacts(d);
    drawBytes(d);
    drawKernel(d);
    from = d.first;
  }
  parts.drawn = d; // for the pager
  Object.assign(shown, { id, version: frame.version, lens, from, width, lang, at: performance.now() });
}

// ── what the visitor does ──

// travel goes along the arrow, to the writes or to the reads.
function travel(reads) {
  const program = app.program();
  if (program === null || shown.id === 0) return;
  const to = program.travel(shown.id, reads);
  if (to !== shown.id) program.select(to);
  app.ask();
}

function page(by) {
  const d = parts.drawn;
  if (!d) return;
  const last = d.from + Math.floor((d.to - d.from - 1) / PAGE) * PAGE;
  from = Math.max(d.from, Math.min(last, d.first + by * PAGE));
  app.ask();
}

/** inspector builds it. */
export function inspector(of) {
  app = of;
  parts = build();
  retell();
  drawNothing();
  parts.box.classList.add('empty');
  parts.back.addEventListener('click', () => travel(false));
  parts.on.addEventListener('click', () => travel(true));
  parts.earlier.addEventListener('click', () => page(-1));
  parts.later.addEventListener('click', () => page(1));
  parts.close.addEventListener('click', () => {
    app.program()?.select(0);
    get('ladder').focus(); // the button goes
    app.ask();
  });
  parts.ribbonbox.addEventListener('scroll', () => { scrolled = parts.ribbonbox.scrollLeft > 0; }, { passive: true });
  new ResizeObserver(([entry]) => {
    width = Math.floor(entry.contentRect.width);
    app.ask();
  }).observe(parts.head);
}
