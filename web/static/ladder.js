// The ladder of events: as many rows as the window shows, refilled and moved as
// it scrolls, and the place that the visitor reads, which is kept: only he moves
// it, or he is at the bottom and follows what comes.

import { element, get, mark, put } from './dom.js';
import { Flag } from './frame.js';
import { address } from './link.js';
import { Row, older } from './row.js';
import { keys } from './keys.js';
import { Strokes } from './strokes.js';
import { t } from './words.js';

const SPARE = 6; // rows beyond the window on either side, for a scroll between two frames
const END = 0x7fffffff; // behind any line: the last ones are meant
const FOOT = 12; // px below the last row, at least

export class Ladder {
  /** ask is called when another frame is to be drawn. */
  constructor(ask) {
    this.ask = ask;
    this.box = get('ladder');
    this.table = get('table');
    this.body = get('rows');
    this.tail = get('tail');
    this.older = get('older');
    this.pill = get('pill');
    this.strokes = new Strokes();
    this.program = null;
    this.pool = []; // rows in the order of the table
    this.lines = []; // of the last frame, the first of them
    this.first = 0;
    this.total = 0;
    this.above = 0; // px above the first line, where older ones are told of
    this.selected = 0;
    this.stuck = true; // to the bottom, because the visitor is there
    this.top = 0; // where we know the window to be
    this.anchor = null; // {id, y}: the line that stays y px below the window's top
    this.place = 0; // where the anchor is now
    this.reveal = 0; // the line to bring into the window
    this.mine = 0; // the line that he selected here, and so reads
    this.held = 0; // lines that came before the pill counted
    this.moves = false; // to this.top, as soon as the page is laid out
    this.tall = 0; // px of all lines
    this.box.addEventListener('scroll', ask);
    this.pill.addEventListener('click', () => {
      this.box.focus(); // the pill goes
      this.follow();
    });
    this.body.addEventListener('click', (event) => this.click(event));
    this.link = address((id) => {
      this.program?.select(id);
      ask();
    });
    keys(this);
    const watch = new ResizeObserver(() => {
      this.measure();
      ask();
    });
    for (const e of [this.box, get('card')]) watch.observe(e);
    new ResizeObserver(() => this.move()).observe(this.table);
    this.watchRatio();
    this.measure();
  }

  // watchRatio measures anew where a px is of another size: on another screen, or
  // when the page is zoomed.
  watchRatio() {
    matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener('change', () => {
      this.measure();
      this.ask();
      this.watchRatio();
    }, { once: true });
  }

  measure() {
    const { box } = this;
    const probe = this.body.appendChild(element('div', 'r')); // a row has the columns
    const style = getComputedStyle(probe);
    const [gutter, lane, span] = style.gridTemplateColumns.split(' ').map(parseFloat);
    this.window = box.clientHeight;
    this.height = parseFloat(style.getPropertyValue('--row'));
    probe.remove();
    this.room = Math.ceil(this.window / this.height) + 2 * SPARE;
    // So much room below the last row that the window begins with a whole one.
    const card = get('card').offsetHeight;
    const least = card > 0 ? card + 32 : FOOT; // with its margins
    const more = (this.height + (this.window - least) % this.height) % this.height;
    this.foot = least + more;
    this.tail.style.paddingBottom = `${card > 0 ? more : this.foot}px`;
    const client = gutter + lane;
    this.strokes.fit({
      width: box.clientWidth, height: this.room * this.height + this.foot, row: this.height, client, server: client + span,
    });
  }

  /** frozen tells whether lines stay as they are while events go on. */
  get frozen() { return get('freeze').getAttribute('aria-pressed') === 'true'; }

  // ── the place ──

  /** wanted tells which lines to ask for. */
  wanted(program) {
    this.program = program;
    const top = this.box.scrollTop;
    if (Math.abs(top - this.top) > 0.5) this.scrolled(top);
    if (this.reveal) this.bring(program.line(this.reveal));
    const rows = this.room;
    // A frozen ladder has the same bottom, and asking for it is no following.
    if (this.stuck) return { first: this.frozen ? Math.max(0, this.total - rows) : END, rows };
    let y = this.top - this.above;
    if (this.anchor) {
      this.place = program.line(this.anchor.id);
      y = this.place * this.height - this.anchor.y;
    }
    return { first: Math.max(0, Math.floor(y / this.height) - SPARE), rows };
  }

  // scrolled is called when it was not us who moved the window. Whoever scrolls
  // up leaves the bottom, however near it is.
  scrolled(top) {
    const below = this.box.scrollHeight - this.window - top;
    this.stuck = below < 2 || (top > this.top && below < this.height);
    this.top = top;
    this.anchor = this.stuck ? null : this.anchored();
    this.reveal = 0;
    if (this.stuck) this.mine = 0;
  }

  // anchored is the selected line if it can be seen, or else the first that can.
  // Far from the lines of the last frame it is none, until the next one.
  anchored() {
    const chosen = this.lines.findIndex((line) => line.flags & Flag.SELECTED);
    const y = (i) => this.above + (this.first + i) * this.height - this.top;
    if (chosen >= 0 && this.shows(y(chosen))) return { id: this.lines[chosen].id, y: y(chosen) };
    const i = Math.max(0, Math.ceil((this.top - this.above) / this.height)) - this.first;
    return this.lines[i] ? { id: this.lines[i].id, y: y(i) } : null;
  }

  shows(y) { return y > -this.height / 2 && y <= this.window - this.height / 2; }

  // bring makes the line at an index visible, near the edge it was beyond, or in
  // the middle if it was far.
  bring(index) {
    const { height, window, top, reveal } = this;
    this.reveal = 0;
    const y = this.above + index * height - top;
    if (this.stuck && y >= 0 && y <= window - height) return;
    let to = y;
    if (y < height) to = Math.min(y < -window / 2 ? window / 3 : height, this.above + index * height);
    else if (y > window - 2 * height) to = y > 1.5 * window ? window / 3 : window - 2 * height;
    this.stuck = index >= this.total - 1 && !this.frozen;
    this.anchor = this.stuck ? null : { id: reveal, y: to };
  }

  /** follow goes to the bottom and stays there. */
  follow() {
    if (this.frozen) get('freeze').click();
    this.stuck = true;
    this.mine = 0;
    this.ask();
  }

  // leaves tells whether to follow would take the line that the visitor selected
  // out of sight, where it is: then he reads, and the rest can wait.
  leaves({ lines, first, total, selected }) {
    if (!this.stuck || !selected || selected !== this.mine || !this.inSight) return false;
    const at = lines.findIndex((line) => line.flags & Flag.SELECTED);
    const most = Math.floor((this.window - this.foot) / this.height); // lines at the bottom
    return at < 0 || total - first - at > most;
  }

  // ── drawing ──

  /** draw shows the lines of a frame. */
  draw(frame, program) {
    this.program = program;
    if (this.leaves(frame)) {
      this.stuck = false;
      this.anchor = this.anchored();
      this.held = Math.max(0, frame.total - this.total);
      this.ask();
      return;
    }
    const { lines, first, total, dropped } = frame;
    const above = dropped > 0 ? this.height : 0;
    const grown = this.tall !== total * this.height;
    this.tall = total * this.height;
    if (grown) this.table.style.height = `${this.tall}px`;
    mark(this.table, 'aria-rowcount', total + 1);
    this.older.hidden = dropped === 0;
    if (dropped > 0) put(this.older, older(dropped, frame.droppedBytes));
    this.box.classList.toggle('waiting', frame.conns.length === 0);
    this.fill(lines, first);
    this.strokes.draw(frame);

    Object.assign(this, { lines, first, total, above });
    this.settle(grown);
    this.chosen(frame);
    this.tell(frame);
  }

  // fill puts the lines into rows. A row stays with its line as long as the
  // line is drawn, so that little is written as the window moves, and what is
  // read aloud is not read again; the rows stay in the order of the lines.
  fill(lines, first) {
    const { pool, body } = this;
    while (pool.length < lines.length) {
      const row = new Row();
      pool.push(row);
      body.append(row.el);
    }
    const focused = body.contains(document.activeElement) ? document.activeElement : null;
    const down = lines.findIndex((line) => line.id === pool[0].line?.id);
    const up = lines.length > 0 ? pool.findIndex((row) => row.line?.id === lines[0].id) : 0;
    if (down > 0) {
      const moved = pool.splice(-down);
      body.prepend(...moved.map((row) => row.el));
      pool.unshift(...moved);
    } else if (up > 0) {
      const moved = pool.splice(0, up);
      body.append(...moved.map((row) => row.el));
      pool.push(...moved);
    }
    pool.forEach((row, i) => {
      if (i < lines.length) {
        row.show(lines[i], lines[i - 1], lines[i + 1]);
        row.move(first + i, this.height);
      } else if (!row.el.hidden) row.hide();
    });
    // The button of a fold that went away with its row had the focus.
    if (focused !== null && document.activeElement !== focused) this.box.focus({ preventScroll: true });
  }

  // settle puts the window where it belongs. To set it now would lay the page
  // out, which more changes may follow: if the sheet has grown, its observer is
  // called once that has been done, and before anything is painted.
  settle(grown) {
    const { above, total, height, foot } = this;
    if (this.stuck) {
      this.anchor = null;
      const bottom = Math.max(0, above + total * height + foot - this.window);
      if (Math.abs(bottom - this.top) < 0.5) return;
      this.top = bottom;
    } else if (this.anchor) {
      const to = above + this.place * height - this.anchor.y;
      if (Math.abs(to - this.top) < 0.5) return;
      this.top = to;
    } else {
      this.anchor = this.anchored();
      return;
    }
    this.moves = true;
    if (!grown) this.move();
  }

  move() {
    if (!this.moves) return;
    this.moves = false;
    this.box.scrollTop = this.stuck ? END : this.top;
    this.top = this.box.scrollTop; // it may be less, or not whole
  }

  // chosen follows the selection, whoever made it.
  chosen({ selected }) {
    const at = this.lines.findIndex((line) => line.flags & Flag.SELECTED);
    this.inSight = at >= 0 && this.shows(this.above + (this.first + at) * this.height - this.top);
    // The focus stays on the ladder, which scrolls and hears the keys: a row is
    // used again for another line and would lose it. aria-activedescendant says
    // which row it is at, so that a screen reader hears the row that was chosen.
    // A region may not have one; a group may. The table stays a table, which can
    // be read cell by cell.
    if (at >= 0) mark(this.box, 'aria-activedescendant', this.pool[at].el.id);
    else this.box.removeAttribute('aria-activedescendant');
    if (selected === this.selected) return;
    this.selected = selected;
    this.link.write(selected);
    if (!selected) return;
    if (!this.inSight) {
      this.reveal = selected;
      this.ask();
    } else if (!this.stuck) {
      this.anchor = this.anchored();
      this.place = this.first + at;
    }
  }

  tell(frame) {
    if (this.stuck && !this.frozen) this.held = 0;
    const under = this.above + this.total * this.height - this.top - this.window;
    const fresh = frame.fresh + (under > 0 ? this.held : 0);
    const hide = fresh === 0 || (!this.frozen && (this.stuck || under <= 0));
    if (hide && document.activeElement === this.pill) this.box.focus({ preventScroll: true });
    this.pill.hidden = hide;
    if (!hide) put(this.pill, `${t('fresh', fresh)} ↓`);
    this.link.try(frame);
  }

  // ── choosing ──

  /** select chooses a line and brings it into the window; 0 chooses none. */
  select(id) {
    this.program?.select(id);
    this.reveal = this.mine = id;
    this.ask();
  }

  /** edge is the id of the first line in the window, or of the last. */
  edge(last) {
    const from = Math.max(0, Math.ceil((this.top - this.above) / this.height)) - this.first;
    const to = Math.floor((this.top - this.above + this.window) / this.height) - 1 - this.first;
    return this.lines[Math.min(last ? to : from, this.lines.length - 1)]?.id ?? 0;
  }

  click(event) {
    const row = this.pool.find(({ el }) => el.contains(event.target));
    if (!row?.line || !this.program) return;
    if (event.target === row.fold) this.toggle(row.line.id);
    else if (getSelection().isCollapsed) this.select(row.line.id); // or he has marked some text
  }

  /** toggle opens or closes a fold, and keeps it where it is, which a bottom
      that moves would not. */
  toggle(id) {
    const at = this.lines.findIndex((line) => line.id === id);
    if (at >= 0) {
      this.stuck = false;
      this.anchor = { id, y: this.above + (this.first + at) * this.height - this.top };
    }
    this.program.toggle(id);
    this.ask();
  }

  /** retell fills all rows anew, in another language. */
  retell() {
    for (const row of this.pool) row.line = null;
  }
}
