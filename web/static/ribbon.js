// The ribbon: one grid in which a column is a byte of the stream, and a row is a
// ruler over it: who wrote it, what it is, who read it, what the reader saw.

import { element } from './dom.js';
import { Side, text } from './frame.js';
import { broken, visible } from './prose.js';
import { t } from './words.js';

const KEY = 64; // px, the column of the rulers' names
const LEAST = 24; // px, a byte
const MOST = 52;
const NARROW = 12; // pieces of more bytes than that keep their label in view

const SVG = 'http://www.w3.org/2000/svg';

/** svg makes an element of a drawing. */
export function svg(name, attributes) {
  const e = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  return e;
}

function scissors() {
  const s = svg('svg', { width: 14, height: 16 });
  s.append(
    svg('path', { d: 'M4.5 6L9 15M9.5 6L5 15' }),
    svg('circle', { cx: 3.6, cy: 3.6, r: 2.6 }),
    svg('circle', { cx: 10.4, cy: 3.6, r: 2.6 }),
  );
  return s;
}

const following = (byte) => (byte & 0xc0) === 0x80; // in UTF-8, not the first of a character

// shown is what toString() makes of a piece, as parts; of a piece that is not
// wholly in the window, only what is, cut between characters.
function shown(piece, from, to) {
  const kept = piece.data;
  if (kept.length === 0) return ['…'];
  let a = Math.max(0, from - piece.from);
  let b = Math.min(kept.length, to - piece.from);
  while (a > 0 && a < b && following(kept[a])) a++;
  while (b < kept.length && b > a && following(kept[b])) b--;
  if (a >= b) return ['…'];
  const more = piece.from + kept.length < Math.min(piece.to, to) || b < kept.length;
  return ['"', a > 0 ? '…' : '', ...broken(text(kept.subarray(a, b))), more ? '…' : '', '"'].filter((part) => part !== '');
}

function append(e, parts) {
  for (const part of parts) {
    if (typeof part === 'string') e.append(part);
    else e.appendChild(element(part[0], '')).textContent = part[1];
  }
  return e;
}

// Grid puts cells into rows, a column to a byte.
class Grid {
  constructor(from, length, width) {
    this.box = element('div', 'ribbon');
    this.from = from;
    this.to = from + length;
    this.row = 0;
    const cell = Math.max(LEAST, Math.min(MOST, Math.floor((width - KEY) / length)));
    this.box.style.gridTemplateColumns = `${KEY}px repeat(${length},${cell}px)`;
  }

  ruler(name) {
    this.row++;
    const e = element('div', 'rib-k');
    e.textContent = name;
    e.style.gridRow = this.row;
    this.box.append(e);
    return this.row;
  }

  // put places e over [a, b) of the stream, as far as that is in the window,
  // and shows with an open edge where it goes on.
  put(e, a, b) {
    const left = Math.max(a, this.from);
    const right = Math.min(b, this.to);
    if (left >= right) return;
    if (a < left) e.classList.add('on-left');
    if (b > right) e.classList.add('on-right');
    if (right - left > NARROW) e.classList.add('long');
    e.style.gridColumn = `${left - this.from + 2}/${right - this.from + 2}`;
    e.style.gridRow = this.row;
    this.box.append(e);
  }
}

// tag is the label of a piece: in its middle, unless a cut goes through there.
function tag(className, piece, cuts) {
  const middle = (piece.from + piece.to) / 2;
  const e = element('div', cuts.some((cut) => Math.abs(cut - middle) < 1) ? `${className} long` : className);
  const label = element('span', '');
  append(label, [['i', `#${piece.id}`], ['b', `${piece.to - piece.from} B`]]);
  e.append(label);
  return e;
}

/** ribbon draws d, what decodeInspect returned, in so many pixels. */
export function ribbon(d, width) {
  const grid = new Grid(d.first, d.bytes.length, width);
  const writer = d.writer === Side.CLIENT ? 'c' : 's';
  const reader = d.writer === Side.CLIENT ? 's' : 'c';
  const torn = d.glyphs.filter((g) => g.cut);

  grid.ruler(t('offset'));
  const every = d.first + d.bytes.length > 1000 ? 4 : 1; // longer numbers need more room
  d.bytes.forEach((_, i) => {
    if ((d.first + i) % every !== 0) return;
    const e = element('div', 'off');
    e.textContent = d.first + i;
    grid.put(e, d.first + i, d.first + i + 1);
  });

  grid.ruler(t('r-writes'));
  for (const w of d.writes) grid.put(tag(`brw ${writer}`, w, d.cuts), w.from, w.to);

  const top = grid.ruler(t('r-bytes'));
  d.bytes.forEach((byte, i) => {
    const at = d.first + i;
    const known = d.known[i] !== 0;
    const e = element('div', known ? (torn.some((g) => g.from <= at && at < g.to) ? 'hex cut' : 'hex') : 'hex lost');
    e.textContent = known ? byte.toString(16).padStart(2, '0') : '··';
    if (!known) e.title = t('unkept');
    grid.put(e, at, at + 1);
  });

  grid.ruler(t('r-chars'));
  for (const g of d.glyphs) {
    const shown = visible(g.text);
    const e = element('div', `gl${g.cut ? ' cut' : ''}${shown.startsWith('\\') && g.text !== '\\' ? ' code' : ''}`);
    e.append(element('bdi', ''));
    e.firstChild.textContent = shown;
    grid.put(e, g.from, g.to);
  }

  grid.ruler(t('r-reads'));
  for (const r of d.reads) grid.put(tag(`brr ${reader}`, r, []), r.from, r.to);

  const bottom = grid.ruler('toString()');
  for (const r of d.reads) {
    const e = element('div', 'str');
    e.append(append(element('span', ''), shown(r, grid.from, grid.to)));
    grid.put(e, r.from, r.to);
  }

  if (d.lensKnown || d.framed.length > 0) {
    grid.ruler(t('r-whole'));
    for (const f of d.framed) {
      const e = element('div', f.whole ? 'brl' : 'brl part');
      e.append(append(element('span', ''), broken(f.text)));
      grid.put(e, f.from, f.to);
    }
  }

  for (const cut of d.cuts) {
    if (cut <= grid.from || cut >= grid.to) continue;
    const e = element('div', 'scis', { 'aria-hidden': true });
    e.append(scissors());
    e.style.gridColumn = cut - grid.from + 2;
    e.style.gridRow = `${top}/${bottom + 1}`;
    grid.box.append(e);
  }
  return grid.box;
}
