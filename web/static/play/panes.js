// The two programs: one tab for each, the editor that they share, and what runs
// them.

import { get, hide, mark } from '../dom.js';
import { t } from '../words.js';
import { print } from './console.js';
import { Lines, lineOf } from './lines.js';
import { programs } from './programs.js';
import { Runner, State } from './runner.js';

const KEY = 'porthole.play';
const PAUSE = 300; // ms after a change until it is kept

export const sides = ['server', 'client'];
const file = (side) => `${side}.js`;
const chapter = (side) => programs[side][document.documentElement.lang === 'zh-CN' ? 1 : 0];

export class Panes {
  constructor(app) {
    this.app = app;
    this.side = 'server'; // which is shown
    this.editor = null; // until it is loaded
    this.texts = {}; // of each side, as it was before the editor was there
    this.lines = Object.fromEntries(sides.map((side) => [side, new Lines()]));
    this.told = {}; // of each side, what the editor shows of its lines
    this.timer = 0;
    this.runners = Object.fromEntries(sides.map((side) => [side, this.runner(side)]));
    for (const side of sides) {
      this.texts[side] = chapter(side);
      get(`tab-${side}`).addEventListener('click', () => this.show(side));
    }
    get('tabs').addEventListener('keydown', (event) => this.walk(event));
    get('run').addEventListener('click', () => this.run());
    get('halt').addEventListener('click', () => this.halt());
    // Before the editor hears it: there, it would begin a line.
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      event.stopPropagation();
      this.run();
    }, { capture: true });
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !event.defaultPrevented) this.halt();
    });
    this.ready = this.load();
  }

  runner(side) {
    const runner = new Runner(file(side), {
      print: (lines) => print(side, lines, (n) => runner.shown(n)),
      changed: (code) => this.changed(side, code),
      fault: (line) => this.editor.broken(file(side), line),
      called: (...what) => this.lines[side].hear(...what),
      overhear: (bytes) => this.app.overhear(bytes),
      refused: () => print(side, [['note', t('p-refused', this.app.targets())]]),
    });
    return runner;
  }

  async load() {
    const { Editor } = await import('./dist/editor.js');
    this.editor = new Editor(get('code'), {
      files: sides.map((side) => ({ name: file(side), side, text: this.texts[side] })),
      changed: () => this.edited(),
    });
    this.editor.show(file(this.side));
    this.draw();
  }

  // ── what is written ──

  text(side) { return this.editor?.text(file(side)) ?? this.texts[side]; }

  /** all is both programs, the server first. */
  all() { return sides.map((side) => this.text(side)); }

  /** own tells whether one of them is not what the page came with. */
  own() { return sides.some((side) => !programs[side].includes(this.text(side))); }

  /** take puts programs in the place of what is there. */
  take(texts) {
    sides.forEach((side, i) => {
      this.texts[side] = texts[i];
      this.editor?.set(file(side), texts[i]);
    });
    for (const side of sides) this.lines[side].clear();
  }

  /** restore brings back what the page came with. */
  restore() { this.take(sides.map(chapter)); }

  edited() {
    this.lines[this.side].clear();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      try {
        if (this.own()) sessionStorage.setItem(KEY, JSON.stringify(this.all()));
        else sessionStorage.removeItem(KEY);
      } catch { /* no storage: nothing is kept */ }
    }, PAUSE);
  }

  /** kept is what was written in this tab before, or null. */
  kept() {
    try {
      return JSON.parse(sessionStorage.getItem(KEY));
    } catch {
      return null;
    }
  }

  // ── what runs ──

  running() { return sides.some((side) => this.runners[side].state === State.RUNS); }

  /** listens is where a program that runs listens, '' if none does. */
  listens() {
    return sides.filter((side) => this.runners[side].state === State.RUNS).map((side) => this.lines[side].listens()).find(Boolean) ?? '';
  }

  run() {
    if (this.editor === null) return;
    const { side } = this;
    this.runners[side].stop();
    this.lines[side].clear();
    this.editor.broken(file(side), 0);
    this.runners[side].start(this.text(side));
    this.app.say(`${file(side)}: ${t('p-runs')}`);
  }

  halt() {
    const runner = this.runners[this.side];
    if (runner.state === State.RUNS) runner.stop();
  }

  changed(side, code) {
    const runner = this.runners[side];
    if (runner.state === State.PARTS) {
      const what = code === null ? t('p-stopped') : t('p-ended', code);
      print(side, [['note', what]]);
      this.app.say(`${file(side)}: ${what}`);
    }
    this.draw();
    this.app.ask();
  }

  /** trace marks the line that made the selected event, and tells how often each
      has run. */
  trace(frame) {
    if (this.editor === null) return;
    const found = lineOf(frame, this.lines);
    for (const side of sides) {
      const line = found?.of === side ? found.line : 0;
      const now = `${line} ${this.lines[side].version}`;
      if (this.told[side] === now) continue;
      this.told[side] = now;
      this.editor.ran(file(side), this.lines[side].counts, line);
    }
  }

  // ── tabs ──

  show(side) {
    this.side = side;
    for (const other of sides) {
      const tab = get(`tab-${other}`);
      mark(tab, 'aria-selected', other === side);
      tab.tabIndex = other === side ? 0 : -1;
    }
    mark(get('code'), 'aria-labelledby', `tab-${side}`);
    this.editor?.show(file(side));
    this.draw();
  }

  walk(event) {
    const at = sides.indexOf(this.side);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.show(sides.at(to % sides.length));
    get(`tab-${this.side}`).focus();
  }

  draw() {
    const runs = this.runners[this.side].state === State.RUNS;
    mark(get('run'), 'aria-disabled', this.editor === null);
    mark(get('halt'), 'aria-disabled', !runs);
    for (const side of sides) {
      const dot = get(`tab-${side}`).querySelector('.runs');
      hide(dot, this.runners[side].state !== State.RUNS);
      mark(dot, 'aria-label', t('p-runs'));
    }
  }

  focus() {
    if (this.editor === null) get(`tab-${this.side}`).focus();
    else this.editor.focus();
  }

  /** retell has the programs that no one changed say their part in another
      language. */
  retell() {
    for (const side of sides) {
      if (!programs[side].includes(this.text(side)) || this.text(side) === chapter(side)) continue;
      this.texts[side] = chapter(side);
      this.editor?.set(file(side), chapter(side));
    }
    this.draw();
  }
}
