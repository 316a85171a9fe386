// The help: the keys, and what the picture means, in words. A native dialog:
// Escape closes it, and the focus goes back where it was.

import { element, get } from './dom.js';
import { fill } from './prose.js';
import { t } from './words.js';

const keys = [
  [['Enter'], 'h-send'], [['↑', '↓'], 'h-step'], [['←', '→'], 'h-travel'], [['Enter'], 'h-enter'], [['Space'], 'h-freeze'],
  [['+'], 'h-open'], [['End'], 'h-end'], [['/'], 'h-filter'], [['1', '…', '6'], 'h-lessons'], [['?'], 'h-help'], [['Esc'], 'h-escape'],
];
const meanings = ['m-lines', 'm-shape', 'm-arrow', 'm-chip', 'm-fold', 'm-line', 'm-pipe', 'm-time', 'm-truth'];

/** heading is a dialog's title and its close button. */
export function heading(id, title) {
  const header = element('header', '');
  const h2 = element('h2', '', { id });
  h2.textContent = title;
  const close = element('button', 'quiet', { type: 'button', 'aria-label': t('i-close') });
  close.textContent = '✕';
  close.addEventListener('click', () => close.closest('dialog').close());
  header.append(h2, close);
  return header;
}

function keyRow([names, key]) {
  const dt = element('dt', '');
  names.forEach((name) => dt.appendChild(element(name === '…' ? 'span' : 'kbd', '')).append(name));
  const dd = element('dd', '');
  dd.textContent = t(key);
  return [dt, dd];
}

/** outside closes a dialog when what is around it is pressed. */
export function outside(box) {
  box.addEventListener('click', (event) => { if (event.target === box) box.close(); });
}

/** help makes the ? button and the ? key show it. */
export function help() {
  const box = get('helpbox');
  const show = () => {
    if (box.open) return;
    const list = element('dl', 'keys');
    list.append(...keys.flatMap(keyRow));
    const words = element('section', '');
    words.append(...meanings.map((key) => {
      const p = element('p', '');
      fill(p, t(key));
      return p;
    }));
    const inner = element('div', '');
    inner.append(heading('h-help', t('help')), list, words);
    box.replaceChildren(inner);
    box.showModal();
  };
  get('help').addEventListener('click', show);
  document.addEventListener('porthole:help', show);
  outside(box);
}
