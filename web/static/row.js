// One row of the ladder: what a line of a frame says, in words. Its strokes are
// on the canvas behind it (strokes.js).

import { count, dress, element, equal, mark, put, size } from './dom.js';
import { Flag, Side } from './frame.js';
import { broken, fill } from './prose.js';
import { known, t } from './words.js';

export const IDLE = 1e6; // µs; a longer gap breaks the lifelines

// gapText is real time: some figures and a unit.
function gapText(µs) {
  if (µs >= 3.6e9) return [(µs / 3.6e9).toFixed(1), 'h'];
  if (µs >= 6e7) return [(µs / 6e7).toFixed(1), 'min'];
  if (µs >= 1e6) return [(µs / 1e6).toFixed(2), 's'];
  if (µs >= 1e4) return [(µs / 1e3).toFixed(0), 'ms'];
  if (µs >= 1e3) return [(µs / 1e3).toFixed(1), 'ms'];
  return [µs.toFixed(0), 'µs'];
}

/** Shape is how a line is marked on its lifeline: the shape is the kind. */
export const Shape = { NONE: 0, CALL: 1, EVENT: 2, ERROR: 3, POLICY: 4 };

export function shape(line) {
  if (line.side === Side.NEITHER) return Shape.NONE;
  if (line.name === 'error') return line.note === 'EACCES' ? Shape.POLICY : Shape.ERROR;
  return line.flags & Flag.CALL ? Shape.CALL : Shape.EVENT;
}

const reads = (line) => line.name === 'data';

// chip marks the exception, and never one write that is one read. Of a fold it
// is told once, where the bytes were read.
function chip({ flags, name, peers, times }) {
  if (reads({ name })) return peers > 1 && peers !== times || peers === 1 && times > 1 ? [peers, times] : null;
  return peers > 1 && !(flags & Flag.FOLD) ? [1, peers] : null;
}

const short = (n) => (n < 1000 ? String(n) : n < 1e6 ? `${Number((n / 1e3).toPrecision(2))}k` : `${Number((n / 1e6).toPrecision(2))}M`);

/** broke tells whether the lifelines are broken above a line, whose gap
    belongs to the mark, if one is there. */
export const broke = (line, before) => line.gap > IDLE && !(before?.flags & Flag.MARK);

let made = 0;

export class Row {
  constructor() {
    this.el = element('div', 'r', { role: 'row', id: `row-${made++}` });
    this.gap = element('div', 'gap', { role: 'cell', 'aria-colindex': 1 });
    this.time = document.createTextNode('');
    this.unit = element('span', 'u');
    this.gap.append(this.time, this.unit);
    this.event = element('div', 'ev', { role: 'cell' });
    this.name = element('b', 'name');
    this.fold = element('button', 'fold', { type: 'button' });
    this.what = element('span', 'n');
    this.range = element('span', 'of');
    this.said = element('span', 'sr');
    this.number = element('span', 'num');
    this.chip = element('span', 'chip');
    this.pre = element('span', 'pre');
    const head = element('span', 'head');
    head.append(this.name, this.fold);
    const label = element('span', 'lab');
    label.append(head, ' ', this.what, ' ', this.range, this.said);
    this.event.append(label, ' ', this.number, ' ', this.chip, ' ', this.pre);
    this.el.append(this.gap, this.event);
    this.line = null;
  }

  /** show makes line the content. before and after are its neighbours; the mark
      above takes the gap of a line. */
  show(line, before, after) {
    if (this.el.hidden) this.el.hidden = false;
    const marked = Boolean(before?.flags & Flag.MARK);
    const next = line.flags & Flag.MARK && after ? after.gap : -1;
    if (this.line !== null && equal(this.line, line) && this.marked === marked && this.next === next) return;
    this.line = line;
    this.marked = marked;
    this.next = next;
    this.write(line);
  }

  /** move puts the row to an index. */
  move(index, height) {
    const to = index * height;
    if (this.to === to && this.index === index) return;
    this.to = to;
    this.index = index;
    this.el.style.transform = `translateY(${to}px)`;
    mark(this.el, 'aria-rowindex', index + 2);
  }

  hide() {
    this.el.hidden = true;
    this.line = null;
  }

  write(line) {
    const { flags } = line;
    const idle = line.gap > IDLE && !this.marked;
    dress(this.el, className(line, idle));
    const gap = flags & Flag.MARK ? Math.max(line.gap, 0) + Math.max(this.next, 0) : this.marked ? 0 : line.gap;
    const [time, unit] = gap > 0 ? gapText(gap) : ['', ''];
    put(this.time, time && (flags & Flag.APPROX ? '≈' : gap > IDLE ? '' : '+') + time);
    put(this.unit, unit);
    if (line.side === Side.NEITHER) this.writeWide(line, time && `${time} ${unit}`);
    else this.writeEvent(line);
    this.writeChoice(line);
  }

  // writeChoice names the selected row, for a row of a table has no name of its
  // own, and this one is read out as it is chosen.
  writeChoice({ flags, side }) {
    if (flags & Flag.SELECTED) {
      const words = [this.name, this.fold, this.what, this.said, this.number, this.pre].map((e) => e.textContent);
      if (side !== Side.NEITHER) words.unshift(`${t(side === Side.CLIENT ? 'client' : 'server')}:`);
      mark(this.el, 'aria-current', 'true');
      mark(this.el, 'aria-label', words.filter((w) => w !== '').join(' ').replace(/ ([,，])/g, '$1'));
    } else if (this.el.hasAttribute('aria-current')) {
      this.el.removeAttribute('aria-current');
      this.el.removeAttribute('aria-label');
    }
  }

  writeEvent(line) {
    const { flags, bytes, times, note, state, number } = line;
    const left = line.side === Side.CLIENT;
    const error = flags & Flag.ERROR;
    const some = bytes > 0;
    dress(this.event, `ev ${left ? 'c' : 's'}${error ? ' err' : ''}`);
    mark(this.event, 'aria-colindex', left ? 2 : 3);
    this.event.removeAttribute('aria-colspan');
    put(this.name, line.name);
    this.writeFold(line);
    put(this.what, some ? `${count(bytes)} B` : note);
    put(this.range, some ? `${line.from}–${line.from + bytes}` : '');
    put(this.said, some ? t(reads(line) ? 'saidRead' : 'saidWrite', line.peers, line.from, line.from + bytes) : '');
    const opens = line.name === 'connect' || line.name === 'connection';
    put(this.number, flags & Flag.OTHER || (opens && number > 1) ? `#${number}` : '');
    const ratio = chip(line);
    put(this.chip, ratio ? ratio.map(count).join('→') : '');
    if (ratio) {
      mark(this.chip, 'title', t('ratio', ...ratio));
      mark(this.chip, 'data-short', ratio.map(short).join('→')); // for a narrow window
    }
    dress(this.pre, some ? 'pre' : 'pre st');
    fill(this.pre, some ? times > 1 && flags & Flag.FOLD ? [] : broken(line.text) : [error ? '' : state]);
  }

  writeFold({ flags, name, times }) {
    const fold = flags & (Flag.FOLD | Flag.OPENED);
    if (!fold && document.activeElement === this.fold) this.fold.closest('.ladder').focus({ preventScroll: true });
    this.fold.hidden = !fold;
    if (!fold) return;
    const open = Boolean(flags & Flag.OPENED);
    put(this.fold, open ? '' : `×${count(times)}`);
    mark(this.fold, 'aria-expanded', open);
    mark(this.fold, 'aria-label', open ? t('refold', name) : `${name} ×${count(times)}`);
  }

  // writeWide is a row across both sides: a label that the page has put there,
  // or events that never came.
  writeWide({ flags, bytes, note }, time) {
    const lost = flags & Flag.LOST;
    dress(this.event, lost ? 'ev missing' : 'ev why');
    mark(this.event, 'aria-colindex', lost ? 1 : 2);
    mark(this.event, 'aria-colspan', lost ? 3 : 2);
    for (const e of [this.range, this.said, this.number, this.chip]) put(e, '');
    fill(this.pre, []);
    this.writeFold({ flags: 0 });
    const [key, ...args] = note.trimEnd().split('\t'); // the page's own words, and about what
    put(this.name, lost ? t('missing', bytes) : known(key) ? t(key, ...args) : note);
    put(this.what, lost ? '' : time);
  }
}

function className({ flags }, idle) {
  let c = idle ? 'r idle' : 'r';
  if (flags & Flag.OTHER) c += ' other';
  if (flags & Flag.DIM) c += ' dim';
  if (flags & (Flag.GROUP | Flag.SELECTED)) c += ' sel';
  return c;
}

/** older is the line about events that are no longer kept. */
export const older = (events, bytes) => t('older', events, size(bytes));
