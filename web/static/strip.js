// The strip: the ladder is ordinal, this is to scale. A call lasts until it
// returned; a read is a moment. Often the moment comes before the return.

import { Side } from './frame.js';
import { svg } from './ribbon.js';
import { t } from './words.js';

const LEFT = 64; // px before the time axis
const CALLS = 14; // y of the upper lane
const ROOM = 24; // between the lanes
const LABEL = 34; // px that a number needs

// steps gives round ticks: at most six to the length.
function steps(length) {
  const rough = length / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((k) => k * power).find((step) => length / step <= 6) ?? 10 * power;
}

function label(at, y, text, className, anchor) {
  const e = svg('text', { x: at, y, class: className, 'text-anchor': anchor });
  e.textContent = text;
  return e;
}

const name = (side) => t(side === Side.CLIENT ? 'client' : 'server');
const key = (side) => (side === Side.CLIENT ? 'c' : 's');

/** first is the read that came before its write returned, if one did. */
export function first(d) {
  return d.reads.find((r) => d.writes.some((w) => w.from < r.to && r.from < w.to && w.took > 0 && r.at < w.at + w.took));
}

/** strip draws the writes and reads of d in so many pixels. */
export function strip(d, width) {
  const all = [...d.writes, ...d.reads];
  const start = Math.min(...all.map((p) => p.at));
  const end = Math.max(...d.writes.map((w) => w.at + w.took), ...d.reads.map((r) => r.at), start + 1);
  const length = (end - start) * 1.08;
  const x = (at) => LEFT + (at - start) / length * (width - LEFT - 8);
  const reader = d.writer === Side.CLIENT ? Side.SERVER : Side.CLIENT;
  // The client is the upper lane, as it is the left one.
  const upper = d.writer === Side.CLIENT;
  const writes = upper ? CALLS : CALLS + ROOM;
  const reads = upper ? CALLS + ROOM : CALLS;
  const box = svg('svg', { height: 72, width: '100%', 'aria-hidden': 'true' });
  for (const [y, side] of [[writes, d.writer], [reads, reader]]) {
    box.append(label(0, y + 4, name(side), `nm ${key(side)}`, 'start'), svg('path', { class: 'lane', d: `M${LEFT} ${y}H${width}` }));
  }
  const [unit, scale] = length > 2e6 ? ['s', 1e6] : length > 2e3 ? ['ms', 1e3] : ['µs', 1];
  box.append(svg('path', { class: 'ax', d: `M${LEFT} 52H${width}` }), label(0, 68, unit, '', 'start'));
  const step = steps(length / scale);
  for (let tick = 0; tick <= length / scale; tick += step) {
    const at = x(start + tick * scale);
    box.append(svg('path', { class: 'ax', d: `M${at} 52v4` }), label(at, 68, Number(tick.toPrecision(3)), '', 'middle'));
  }
  for (const w of d.writes) {
    const from = x(w.at) - 3.5;
    const wide = Math.max(7, x(w.at + w.took) - from);
    box.append(svg('rect', { class: `call ${key(d.writer)}`, x: from, y: writes - 7, width: wide, height: 14, rx: 7 }));
    if (wide > 60 && d.writes.length === 1) box.append(label(from + 11, writes + 4, 'write()', `lb ${key(d.writer)}`, 'start'));
  }
  let last = -Infinity;
  for (const r of d.reads) {
    const at = x(r.at);
    box.append(svg('circle', { class: `full ${key(reader)}`, cx: at, cy: reads, r: 4 }));
    if (at - last < LABEL) continue;
    last = at;
    const before = at > LEFT + LABEL;
    box.append(label(before ? at - 8 : at + 8, reads + 4, `#${r.id}`, `lb ${key(reader)}`, before ? 'end' : 'start'));
  }
  return box;
}
