// Frames: the program is asked once a picture what is to be drawn. What it knows
// is on the object porthole, and nothing is known here that no frame told.

import { decode } from './frame.js';
import { Ladder } from './ladder.js';

const NEWS = 45; // ms at least between two frames that only news ask for: no eye reads faster
const REST = 100; // ms between two drawings of what is beside the ladder, while only numbers change
const HIDDEN = 100; // ms

// differs tells whether a frame brings more than other numbers.
const states = ['mode', 'link', 'retry', 'target', 'offers', 'sock', 'chosen', 'shown', 'own', 'listener', 'selected'];
const endStates = ['seen', 'closed', 'paused', 'local'];

const differs = (a, b) => a === null || states.some((k) => a[k] !== b[k]) || [[a.client, b.client], [a.server, b.server]]
  .some(([x, y]) => x.kernel.state !== y.kernel.state || endStates.some((k) => x[k] !== y[k]));

/** Frames draws the ladder, and has the page draw the rest. */
export class Frames {
  /** beside draws all but the ladder, told is called when a frame is drawn, with
      the one before it, and fault draws instead while there is no program. */
  constructor({ beside, told, fault }) {
    Object.assign(this, { beside, told, fault });
    this.program = null; // the object porthole, once it runs
    this.broken = false; // it does not
    this.frame = null; // the last one
    this.waiters = new Set();
    this.call = 0; // of draw, before the browser's next picture
    this.timer = 0; // of due
    this.asked = false; // by the visitor, or by a part: all is drawn
    this.newest = -Infinity; // when the last frame was that only news had asked for
    this.rested = -Infinity; // when all was drawn
    this.rest = 0; // the timer that sees to it, should no more news come
    this.ask = this.ask.bind(this);
    this.ladder = new Ladder(this.ask);
    document.addEventListener('visibilitychange', () => {
      cancelAnimationFrame(this.call); // it may not come
      this.call = 0;
      this.ask();
    });
  }

  /** use takes the program, once it runs; or null, once it does not. */
  use(program) {
    this.program = program;
    this.broken = program === null;
    this.ask();
  }

  /** ask asks for a frame, in which all is drawn. */
  ask() {
    this.asked = true;
    if (document.hidden) this.timer ||= setTimeout(() => this.due(), HIDDEN);
    else this.due();
  }

  /** news asks for a frame that shows what has come. */
  news() {
    if (this.call !== 0 || this.timer !== 0) return;
    const wait = document.hidden ? HIDDEN : this.newest + NEWS - performance.now();
    if (wait > 0) this.timer = setTimeout(() => this.due(), wait);
    else this.due();
  }

  // due sees to it that draw is called. A hidden page has no pictures: there it is
  // called at once, or a lesson would stand still until the visitor comes back,
  // and what is read aloud with it.
  due() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (document.hidden) this.draw();
    else this.call ||= requestAnimationFrame(() => this.draw());
  }

  /** until resolves with the first frame for which test holds, and rejects after ms. */
  until(test, ms) {
    return new Promise((resolve, reject) => {
      const waiter = { test, resolve };
      waiter.timer = setTimeout(() => {
        this.waiters.delete(waiter);
        reject(new Error('timeout'));
      }, ms);
      this.waiters.add(waiter);
      this.ask();
    });
  }

  answer() {
    for (const waiter of this.waiters) {
      if (!waiter.test(this.frame)) continue;
      clearTimeout(waiter.timer);
      this.waiters.delete(waiter);
      waiter.resolve(this.frame);
    }
  }

  draw() {
    const now = performance.now();
    this.call = 0;
    if (this.broken) this.fault();
    const { program, ladder } = this;
    if (program === null) return;
    const { first, rows } = ladder.wanted(program);
    const before = this.frame;
    this.frame = decode(program.frame(first, rows));
    if (!this.asked) this.newest = now;
    if (this.asked || now - this.rested >= REST || differs(before, this.frame)) {
      this.asked = false;
      this.rested = now;
      clearTimeout(this.rest);
      this.rest = 0;
      this.beside(this.frame);
    } else this.rest ||= setTimeout(this.ask, this.rested + REST - now);
    ladder.draw(this.frame, program); // last: it follows the foot, where the card is
    this.told(before);
    this.answer();
  }
}
