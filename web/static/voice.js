// What is read aloud: one thing a second at most, the newest.

import { get } from './dom.js';

let spoken = 0;
let saying = 0;

/** say has a text read. */
export function say(text) {
  clearTimeout(saying);
  saying = setTimeout(() => {
    spoken = performance.now();
    get('live').textContent = text;
  }, Math.max(0, spoken + 1000 - performance.now()));
}
