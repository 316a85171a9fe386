// Every stroke of the ladder, on one canvas behind the rows: lifelines, their
// breaks, the marks of the events, and the arrows between them. The canvas lies
// in the sheet that scrolls, over the rows that are drawn, so that both move as
// one between two frames.

import { equal, get } from './dom.js';
import { Arrow, Flag, Life, Link, Mode, Side } from './frame.js';
import { IDLE, Shape, broke, shape } from './row.js';

const NEST = 14; // px inwards, for the lifelines of each further connection
const FADE = 150; // ms in which a new arrow comes
const BUSY = 20; // new lines a second with which none fades
const TOKENS = ['bg', 'edge', 'ink3', 'client', 'server', 'err'];
const calm = matchMedia('(prefers-reduced-motion: reduce)');

const alike = (a, b, same = equal) => a.length === b.length && a.every((x, i) => same(x, b[i]));

// drawn tells whether two lines are drawn alike: not what they say, but how.
const drawn = (a, b) => a.id === b.id && a.flags === b.flags && a.side === b.side && a.slot === b.slot &&
  a.name === b.name && a.note === b.note && a.gap > IDLE === b.gap > IDLE;

export class Strokes {
  constructor() {
    this.canvas = get('strokes');
    this.pen = this.canvas.getContext('2d');
    this.frame = null;
    this.space = {}; // where the columns are, in px
    this.colours = null; // the tokens, as long as the theme is the same
    this.newest = Infinity; // the last line's id in the frame before
    this.coming = new Map(); // ids of new lines, and when each began to fade in
    this.lately = []; // when the last lines came
    this.fading = 0;
    const repaint = () => {
      this.colours = null;
      if (this.frame) this.paint(performance.now());
    };
    for (const theme of ['(prefers-color-scheme: dark)', '(forced-colors: active)', '(prefers-contrast: more)']) {
      matchMedia(theme).addEventListener('change', repaint);
    }
    new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ['data-theme', 'class', 'style'] });
  }

  /** fit makes the canvas as large as what is drawn. space is {width, height}
      of it, row: the height of a row, client and server: x of the lifelines. */
  fit(space) {
    const { canvas } = this;
    if (this.ratio === devicePixelRatio && equal(space, this.space)) return;
    this.space = space;
    const ratio = this.ratio = devicePixelRatio;
    canvas.width = Math.round(space.width * ratio);
    canvas.height = Math.round(space.height * ratio);
    canvas.style.width = `${canvas.width / ratio}px`; // a pixel is a pixel
    canvas.style.height = `${canvas.height / ratio}px`;
    if (this.frame) this.paint(performance.now()); // for it is empty now
  }

  /** draw draws a frame, unless it would look as it does: while a burst streams,
      most frames bring other numbers and no other strokes. */
  draw(frame) {
    const before = this.frame;
    const now = performance.now();
    this.frame = frame;
    this.arrive(frame, now);
    if (before !== null && before.first === frame.first && before.total === frame.total && before.link === frame.link &&
      before.mode === frame.mode && alike(before.lives, frame.lives) && alike(before.arrows, frame.arrows) &&
      alike(before.lines, frame.lines, drawn)) return;
    this.paint(now);
  }

  // arrive notes which lines are new. They fade in only if they are few: when
  // many come, motion tells nothing.
  arrive({ lines }, now) {
    const last = this.newest;
    for (const { id } of lines) {
      if (id <= last) continue;
      this.newest = last === Infinity ? id : Math.max(this.newest, id);
      if (last === Infinity) continue;
      this.lately.push(now);
      this.coming.set(id, now);
    }
    if (last === Infinity) this.newest = lines.reduce((n, { id }) => Math.max(n, id), 0);
    while (this.lately.length > 0 && this.lately[0] < now - 1000) this.lately.shift();
    if (calm.matches || this.lately.length > BUSY) this.coming.clear();
  }

  paint(now) {
    const { canvas, pen, ratio, space: { row, height }, frame } = this;
    this.colours ??= this.tokens();
    // The top is a whole device pixel, and what that shifts is drawn so.
    const top = Math.round(frame.first * row * ratio) / ratio;
    const move = `translateY(${top}px)`;
    if (canvas.style.transform !== move) canvas.style.transform = move;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.setTransform(ratio, 0, 0, ratio, 0, (frame.first * row - top) * ratio);
    this.height = height;
    this.tints();
    this.lives();
    this.arrows(now);
    this.marks();
    for (const [id, since] of this.coming) if (now - since > FADE) this.coming.delete(id);
    cancelAnimationFrame(this.fading);
    if (this.coming.size > 0) this.fading = requestAnimationFrame((t) => this.paint(t));
  }

  // tokens asks for the colours as they are used, for a canvas knows neither
  // custom properties nor the palette of forced colours.
  tokens() {
    const { canvas } = this;
    const style = getComputedStyle(canvas);
    const found = {};
    for (const name of TOKENS) {
      canvas.style.color = `var(--${name})`;
      found[name] = style.color;
    }
    canvas.style.color = '';
    return found;
  }

  x(side, slot) {
    const { client, server } = this.space;
    return side === Side.CLIENT ? client + slot * NEST : server - slot * NEST;
  }

  y(at) { return (at - this.frame.first) * this.space.row; }

  /** line is what is drawn at a place in line units, if it is. */
  line(at) { return this.frame.lines[Math.floor(at) - this.frame.first]; }

  colour(side, other) {
    return other ? this.colours.ink3 : side === Side.CLIENT ? this.colours.client : this.colours.server;
  }

  // tints are behind the rows of the selected group, in the colour of its
  // arrows, and the selected row begins with a bar. A row's own background would
  // lie over the strokes and change their colour.
  tints() {
    const { pen, colours, frame, space: { row, width } } = this;
    const lead = frame.arrows.find((arrow) => arrow.group);
    frame.lines.forEach((line, i) => {
      if (!(line.flags & (Flag.GROUP | Flag.SELECTED))) return;
      const wrong = lead ? lead.kind === Arrow.RESET : line.name === 'error';
      const other = line.flags & Flag.OTHER;
      pen.fillStyle = wrong && !other ? colours.err : this.colour((lead ?? line).side, other);
      pen.globalAlpha = line.flags & Flag.SELECTED ? 0.16 : 0.09;
      pen.fillRect(0, i * row, width, row);
      pen.globalAlpha = 1;
      if (line.flags & Flag.SELECTED) pen.fillRect(0, i * row, 3, row);
    });
  }

  // ── lifelines ──

  // breaks are the stretches where time is left out: [from, to] in px.
  breaks() {
    const { lines } = this.frame;
    const { row } = this.space;
    const found = [];
    lines.forEach((line, i) => {
      if (line.flags & Flag.MARK) found.push([i * row + 3, (i + 1) * row - 3]);
      else if (i > 0 && broke(line, lines[i - 1])) found.push([i * row - 2.5, i * row + 2.5]);
    });
    return found;
  }

  lives() {
    const { frame, pen, height } = this;
    const breaks = this.breaks();
    const foot = this.y(frame.total);
    const adrift = frame.link !== Link.OPEN && frame.mode === Mode.LIVE;
    for (const life of frame.lives) {
      const x = this.x(life.side, life.slot);
      const from = this.y(life.from);
      const to = life.to > frame.total ? height : this.y(life.to);
      pen.strokeStyle = this.colour(life.side, life.other);
      let at = from;
      for (const [above, below] of breaks) {
        if (below <= from || above >= to) continue;
        this.stretch(life, x, at, above);
        at = below;
        this.slash(x, above);
        this.slash(x, below);
      }
      this.stretch(life, x, at, Math.min(to, Math.max(at, foot)));
      if (adrift) pen.globalAlpha = 0.35; // what is going on there is not known
      this.stretch(life, x, Math.max(at, foot), to);
      pen.globalAlpha = 1;
      if (life.cap) this.cap(x, to);
    }
  }

  stretch({ style }, x, from, to) {
    if (to <= from) return;
    const { pen, frame, space: { row } } = this;
    const thin = style === Life.ENDED;
    pen.lineWidth = thin ? 1 : 2;
    if (thin) x += 0.5; // or it would be two pixels of half a colour
    if (style === Life.PAUSED) {
      pen.setLineDash([2, 4]);
      pen.lineDashOffset = (from + frame.first * row) % 6; // dots stay where they are
    }
    pen.beginPath();
    pen.moveTo(x, from);
    pen.lineTo(x, to);
    pen.stroke();
    pen.setLineDash([]);
  }

  slash(x, y) {
    const { pen } = this;
    pen.lineWidth = 1.25;
    pen.beginPath();
    pen.moveTo(x - 5, y + 1.5);
    pen.lineTo(x + 5, y - 1.5);
    pen.stroke();
  }

  cap(x, y) {
    const { pen } = this;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x, y + 6);
    pen.moveTo(x - 6, y + 6);
    pen.lineTo(x + 6, y + 6);
    pen.stroke();
  }

  // ── arrows ──

  // arrows draws the selected group last. What looks alike is one path, so that
  // four hundred arrows are a few strokes.
  arrows(now) {
    const kinds = new Map();
    for (const arrow of this.frame.arrows) {
      const look = this.look(arrow, now);
      const key = `${look.group}${look.alpha}${look.colour}${look.dash}`;
      let kind = kinds.get(key);
      if (!kind) kinds.set(key, kind = { look, arcs: new Path2D(), heads: new Path2D(), bands: new Path2D() });
      this.trace(arrow, kind);
    }
    const { pen } = this;
    for (const { look, arcs, heads, bands } of [...kinds.values()].sort((a, b) => a.look.group - b.look.group)) {
      pen.fillStyle = pen.strokeStyle = look.colour;
      pen.globalAlpha = look.alpha * 0.16;
      pen.fill(bands);
      pen.globalAlpha = look.alpha * (look.group || look.dash ? 1 : 0.72);
      pen.lineWidth = look.group ? 2.25 : 1.25;
      pen.setLineDash(look.dash ? [5, 4] : []);
      pen.stroke(arcs);
      pen.globalAlpha = look.alpha;
      pen.fill(heads);
    }
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  }

  look({ kind, side, group, dim, from, to }, now) {
    const since = this.coming.get(this.line(Math.max(from, to))?.id);
    const come = since === undefined ? 1 : Math.min(1, Math.max(0.05, (now - since) / FADE));
    return {
      colour: kind === Arrow.RESET ? this.colours.err : this.colour(side, false),
      alpha: come * (dim ? 0.3 : 1), group, dash: kind === Arrow.END,
    };
  }

  trace({ kind, side, slot, band, from, to }, { arcs, heads, bands }) {
    const writer = this.x(side, slot);
    const reader = this.x(side === Side.CLIENT ? Side.SERVER : Side.CLIENT, slot);
    const d = Math.sign(reader - writer);
    const head = kind !== Arrow.RESET; // that one ends in the cross
    const [a, b] = [this.y(from), this.y(to)];
    const s = writer + d * 5;
    const e = reader - d * (head ? 11 : 6);
    const bend = (e - s) * 0.45;
    if (band) {
      const f = reader - d * 5;
      const [m, n] = [from, to].map((at) => (this.line(at)?.flags & Flag.FOLD ? 6 : 2)); // half as high as its mark
      bands.moveTo(s, a - m);
      bands.bezierCurveTo(s + bend, a - m, f - bend, b - n, f, b - n);
      bands.lineTo(f, b + n);
      bands.bezierCurveTo(f - bend, b + n, s + bend, a + m, s, a + m);
      bands.closePath();
    }
    arcs.moveTo(s, a);
    arcs.bezierCurveTo(s + bend, a, e - bend, b, e, b);
    if (!head) return;
    const tip = reader - d * 5;
    heads.moveTo(tip, b);
    heads.lineTo(tip - d * 7, b - 3.5);
    heads.lineTo(tip - d * 7, b + 3.5);
    heads.closePath();
  }

  // ── the marks of the events: shape is kind ──

  marks() {
    const { lines } = this.frame;
    const { row } = this.space;
    lines.forEach((line, i) => {
      const kind = shape(line);
      if (kind === Shape.NONE) return;
      this.mark(kind, line, this.x(line.side, line.slot), (i + 0.5) * row);
    });
  }

  mark(kind, { flags, side }, x, y) {
    const { pen, colours } = this;
    const grey = flags & (Flag.OTHER | Flag.DIM);
    const wrong = kind === Shape.ERROR || kind === Shape.POLICY;
    pen.fillStyle = pen.strokeStyle = wrong && !grey ? colours.err : this.colour(side, grey);
    pen.beginPath();
    if (kind === Shape.ERROR) {
      pen.lineWidth = 2;
      pen.moveTo(x - 4.5, y - 4.5);
      pen.lineTo(x + 4.5, y + 4.5);
      pen.moveTo(x + 4.5, y - 4.5);
      pen.lineTo(x - 4.5, y + 4.5);
      pen.stroke();
      return;
    }
    const hollow = kind === Shape.CALL;
    if (kind === Shape.POLICY) pen.rect(x - 4, y - 4, 8, 8);
    else if (flags & Flag.FOLD) pen.roundRect(x - 4, y - 7, 8, 14, 4);
    else pen.arc(x, y, hollow ? 3.5 : 4, 0, 2 * Math.PI);
    if (hollow) {
      pen.fillStyle = colours.bg;
      pen.lineWidth = 1.75;
      pen.fill();
      pen.stroke();
    } else {
      pen.fill();
    }
  }
}
