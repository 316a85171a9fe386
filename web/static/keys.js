// The keys of the ladder, while it has the focus; only / is heard elsewhere.

import { get } from './dom.js';

const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`porthole:${name}`, { detail }));

export function keys(ladder) {
  const { box } = ladder;

  // step goes n lines on from the selected one, or begins at the edge of the
  // window that is nearer to where it goes.
  const step = (n) => {
    const { program, selected } = ladder;
    ladder.select(selected ? program.step(selected, n) : ladder.edge(n < 0));
  };
  const travel = (reads) => {
    if (ladder.selected) ladder.select(ladder.program.travel(ladder.selected, reads));
  };
  const does = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    ArrowRight: () => travel(true),
    ArrowLeft: () => travel(false),
    Enter: () => {
      const inspect = get('inspect');
      if (inspect === null) return;
      if (!inspect.hasAttribute('tabindex')) inspect.tabIndex = -1;
      inspect.focus();
    },
    Escape: () => ladder.select(0),
    End: () => ladder.follow(),
    ' ': () => get('freeze').click(),
    '+': () => { if (ladder.selected) ladder.toggle(ladder.selected); },
    '?': () => tell('help'),
  };

  box.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !ladder.program) return;
    const { key, target } = event;
    if (target !== box && (key === 'Enter' || key === ' ')) return; // a fold's button
    if (/^[1-6]$/.test(key)) tell('lesson', Number(key));
    else if (does[key]) does[key]();
    else return; // Home and the page keys scroll, as everywhere
    event.preventDefault();
    ladder.ask();
  });

  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.composedPath()[0].closest('input, select, textarea, dialog, [contenteditable]')) return;
    event.preventDefault();
    get('filter').focus();
    get('filter').select();
  });
}
