// What the programs print: text, line for line, each with whose it is.

import { element, get } from '../dom.js';
import { visible } from '../prose.js';
import { t } from '../words.js';

const KEPT = 1000; // lines
const LONGEST = 10000; // characters of one

let waiting = []; // not shown yet
let left = 0; // lines that were too many
let call = 0;

// shape is text without what would colour it in a terminal; a tab and a new line
// are themselves, and other signs that cannot be seen can be.
const shape = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text)
  .replace(/\x1b\[[0-9;]*m/g, '')
  .split(/([\n\t])/).map((part, i) => (i % 2 === 0 ? visible(part) : part)).join('');

function line({ side, kind, text }) {
  const p = element('p', `${side} ${kind}`);
  const who = p.appendChild(element('b', ''));
  who.textContent = t(side);
  const what = p.appendChild(element('span', ''));
  what.textContent = shape(text);
  return p;
}

function draw() {
  call = 0;
  const box = get('lines');
  const follows = box.scrollTop + box.clientHeight > box.scrollHeight - 30;
  if (waiting.length > KEPT) left += waiting.splice(0, waiting.length - KEPT).length;
  const told = new Map();
  for (const one of waiting) if (one.told) told.set(one.told, (told.get(one.told) ?? 0) + 1);
  if (left > 0) {
    const p = element('p', 'note');
    p.textContent = t('p-left', left);
    box.append(p);
    left = 0;
  }
  box.append(...waiting.map(line));
  waiting = [];
  while (box.childElementCount > KEPT) box.firstElementChild.remove();
  if (follows) box.scrollTop = box.scrollHeight;
  for (const [tell, lines] of told) tell(lines);
}

/** print shows lines of a side: [kind, text] each. Once they are, told is called
    with how many. */
export function print(side, lines, told = null) {
  for (const [kind, text] of lines) {
    waiting.push({ side, kind: ['stdout', 'stderr'].includes(kind) ? kind : 'note', text, told });
  }
  if (waiting.length > 4 * KEPT) { // a hidden page has no pictures
    left += waiting.splice(0, waiting.length - KEPT).length;
  }
  if (document.hidden) call ||= setTimeout(draw, 100);
  else call ||= requestAnimationFrame(draw);
}

/** consoles makes the button work. */
export function consoles() {
  get('clear').addEventListener('click', () => get('lines').replaceChildren());
  document.addEventListener('visibilitychange', () => {
    if (call === 0) return;
    cancelAnimationFrame(call); // it may not come
    clearTimeout(call);
    draw();
  });
}

/** retell names whose each line is in another language. */
export function retell() {
  for (const side of ['client', 'server']) {
    for (const who of get('lines').querySelectorAll(`.${side} > b`)) who.textContent = t(side);
  }
}
