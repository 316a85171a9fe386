// The ladder of events: as many rows as the window shows, refilled and moved as
// it scrolls. A row is one event on the lifeline of its side.

import { count, dress, element, get, mark, put } from './dom.js';
import { Flag, Lane, Side, lanesOf } from './frame.js';
import { t } from './words.js';

const SPARE = 4; // rows beyond the window on either side
const IDLE = 1e6; // µs; a longer gap breaks the lines
const END = 0x7fffffff; // behind any row: the last ones are meant

// gapText is real time: some figures and a unit.
function gapText(µs) {
  if (µs >= 3.6e9) return [(µs / 3.6e9).toFixed(1), 'h'];
  if (µs >= 6e7) return [(µs / 6e7).toFixed(1), 'min'];
  if (µs >= 1e6) return [(µs / 1e6).toFixed(2), 's'];
  if (µs >= 1e4) return [(µs / 1e3).toFixed(0), 'ms'];
  if (µs >= 1e3) return [(µs / 1e3).toFixed(1), 'ms'];
  return [µs.toFixed(0), 'µs'];
}

// visible shows control characters as their pictures: text from a socket must
// not break the line, nor turn its direction.
const visible = (text) => text
  .replace(/[\x00-\x1f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
  .replace(/\x7f/g, '\u2421')
  .replace(/[\u0080-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '\u25e6');

// show fills e with text and sets off what a cut has spoilt. A row of binary
// bytes would be nothing but that, so no more than three are.
function show(e, text) {
  if (!text.includes('\ufffd')) {
    put(e, text);
    return;
  }
  const parts = text.split(/(\ufffd+)/);
  const rest = parts.splice(7).join('');
  e.replaceChildren(...parts.map((part, i) => {
    if (i % 2 === 0) return part;
    const cut = element('u', '');
    cut.textContent = part;
    return cut;
  }), rest);
}

const same = (a, b) => Object.keys(a).every((k) => a[k] === b[k]);

class Row {
  constructor() {
    this.el = element('div', 'r', { role: 'row' });
    this.gap = element('div', 'gap', { role: 'cell', 'aria-colindex': 1 });
    this.time = document.createTextNode('');
    this.unit = element('span', 'u');
    this.gap.append(this.time, this.unit);
    this.client = element('i', 'life c', { 'aria-hidden': true });
    this.server = element('i', 'life s', { 'aria-hidden': true });
    this.event = element('div', '', { role: 'cell' });
    this.name = element('b', 'name');
    this.what = element('span', 'n');
    this.range = element('span', 'of');
    this.number = element('span', 'num');
    this.pre = element('span', 'pre');
    const label = element('span', 'lab');
    label.append(this.name, ' ', this.what, ' ', this.range);
    this.event.append(label, ' ', this.number, ' ', this.pre);
    this.el.append(this.gap, this.client, this.server, this.event);
    this.row = null;
  }

  show(row, index, idleNext, height) {
    this.el.hidden = false;
    this.el.style.transform = `translateY(${index * height}px)`;
    mark(this.el, 'aria-rowindex', index + 2);
    if (this.row !== null && this.idleNext === idleNext && same(this.row, row)) return;
    this.row = row;
    this.idleNext = idleNext;
    this.fill(row);
  }

  fill(row) {
    const idle = row.gap > IDLE;
    const other = row.flags & Flag.OTHER;
    dress(this.el, `r${idle ? ' idle' : ''}${this.idleNext ? ' cut' : ''}${other ? ' other' : ''}`);
    const [time, unit] = row.gap > 0 ? gapText(row.gap) : ['', ''];
    put(this.time, time && (row.flags & Flag.APPROX ? '≈' : idle ? '' : '+') + time);
    put(this.unit, unit);
    const before = lanesOf(row.lanesBefore);
    const after = lanesOf(row.lanesAfter);
    dress(this.client, life('c', before.client, after.client, row.side === Side.CLIENT));
    dress(this.server, life('s', before.server, after.server, row.side === Side.SERVER));
    if (row.side === Side.NEITHER) this.missing(row.bytes);
    else this.fillEvent(row, other);
  }

  fillEvent(row, other) {
    const left = row.side === Side.CLIENT;
    const shape = row.note === 'EACCES' ? 'stop' : row.name === 'error' ? 'cross' : row.flags & Flag.CALL ? 'ring' : 'dot';
    const error = row.flags & Flag.ERROR;
    const some = row.bytes > 0;
    dress(this.event, `ev ${left ? 'c' : 's'} ${shape}${error ? ' err' : ''}`);
    mark(this.event, 'aria-colindex', left ? 2 : 3);
    this.event.removeAttribute('aria-colspan');
    put(this.name, row.name);
    put(this.what, some ? `${count(row.bytes)} B` : error ? row.note : '');
    put(this.range, some ? `${row.from}–${row.from + row.bytes}` : '');
    const opens = row.name === 'connect' || row.name === 'connection';
    put(this.number, other || (opens && row.number > 1) ? `#${row.number}` : '');
    dress(this.pre, some ? 'pre' : 'pre st');
    if (some) show(this.pre, visible(row.text));
    else put(this.pre, error ? '' : row.note || row.state);
  }

  // missing is a row of events that never came.
  missing(events) {
    dress(this.event, 'missing');
    mark(this.event, 'aria-colindex', 1);
    mark(this.event, 'aria-colspan', 3);
    for (const e of [this.what, this.range, this.number, this.pre]) put(e, '');
    put(this.name, t('missing', events));
  }
}

// life is the class of a lifeline: how it comes in above and goes on below, and
// that it is capped where its own socket closes.
function life(side, before, after, own) {
  const cap = own && before !== Lane.CLOSED && after === Lane.CLOSED;
  return `life ${side} b${before} a${after}${cap ? ' cap' : ''}`;
}

/** drawLives draws the lifelines within e as they are now. */
export function drawLives(e, lanes) {
  dress(e.querySelector('.life.c'), life('c', lanes.client, lanes.client));
  dress(e.querySelector('.life.s'), life('s', lanes.server, lanes.server));
}

export class Ladder {
  /** changed is called when other rows are to be shown. */
  constructor(changed) {
    this.box = get('ladder');
    this.table = get('table');
    this.body = get('rows');
    this.tail = get('tail');
    this.older = get('older');
    this.pill = get('pill');
    this.pool = [];
    this.stuck = true; // to the bottom, because the visitor is there
    this.dropped = 0;
    this.foot = 0; // room below the last row, in px
    this.read = 0; // rows that had come when the visitor was last at the bottom
    this.box.addEventListener('scroll', () => {
      this.stuck = this.box.scrollTop + this.window > this.box.scrollHeight - this.height;
      changed();
    });
    this.pill.addEventListener('click', () => {
      this.stuck = true;
      this.box.focus(); // the pill goes
      changed();
    });
    new ResizeObserver(() => {
      this.measure();
      changed();
    }).observe(this.box);
    this.measure();
  }

  measure() {
    this.window = this.box.clientHeight;
    this.height = parseFloat(getComputedStyle(this.box).getPropertyValue('--row'));
  }

  /** wanted tells which rows to ask for. */
  wanted() {
    const rows = Math.ceil(this.window / this.height) + 2 * SPARE;
    if (this.stuck) return { first: END, rows };
    const above = this.dropped > 0 ? 1 : 0; // the line about older rows
    const first = Math.floor(this.box.scrollTop / this.height) - above - SPARE;
    return { first: Math.max(0, first), rows };
  }

  /** draw shows the rows of a frame. */
  draw(frame) {
    const { rows, first, total, dropped } = frame;
    this.body.style.height = `${total * this.height}px`;
    mark(this.table, 'aria-rowcount', total + 1);
    while (this.pool.length < rows.length) {
      const row = new Row();
      this.pool.push(row);
      this.body.append(row.el);
    }
    this.pool.forEach((row, i) => {
      if (i < rows.length) row.show(rows[i], first + i, i + 1 < rows.length && rows[i + 1].gap > IDLE, this.height);
      else row.el.hidden = true;
    });
    drawLives(this.tail, frame.lanes);
    this.older.hidden = dropped === 0;
    if (dropped > 0) put(this.older, t('older', dropped));

    const shift = (dropped - this.dropped) * this.height;
    if (this.stuck) this.follow();
    else if (shift > 0) this.box.scrollTop -= shift; // what is read stays where it is
    this.dropped = dropped;
    if (this.stuck) this.read = dropped + total;
    const fresh = dropped + total - this.read;
    this.pill.hidden = fresh === 0;
    if (fresh > 0) put(this.pill, `${t('fresh', fresh)} ↓`);
  }

  // follow goes to the bottom, and leaves so much room there that the window
  // begins with a whole row.
  follow() {
    const { box, height } = this;
    const spill = (box.scrollHeight - this.foot - this.window) % height;
    const foot = spill > 0 ? height - spill : 0;
    if (foot !== this.foot) this.tail.style.paddingBottom = `${foot}px`;
    this.foot = foot;
    box.scrollTop = box.scrollHeight;
  }

  /** retell fills all rows anew, in another language. */
  retell() {
    for (const row of this.pool) row.row = null;
  }
}
