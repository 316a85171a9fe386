// The address of the page names the selected event: #e=7, beside what else is
// there. c= is a capture, and the event then one of its own. So e= is written
// and obeyed only where the address opens what is shown: not live events behind
// a capture that was shared from here, nor those of a file, which no address
// opens.

import { Mode } from './frame.js';

const PAUSE = 200; // ms; browsers mind an address that changes at every key

const parts = () => location.hash.slice(1).split('&').filter((part) => part !== '');
const part = (name) => parts().find((p) => p.startsWith(`${name}=`))?.slice(name.length + 1);
const asked = () => Number(part('e')) || 0;
const opens = (mode) => (mode === Mode.LIVE) === (part('c') === undefined);

/** address keeps the selected event in the page's address. select is called
    with the event that the address asks for. */
export function address(select) {
  let wish = asked(); // not there yet
  let capture = part('c');
  let mode = Mode.LIVE;
  let seen = -1; // the version of the frame in which it was looked for
  let timer = 0;
  const set = (id) => {
    if (!opens(mode)) return;
    const rest = parts().filter((p) => !p.startsWith('e='));
    const hash = [...rest, ...(id ? [`e=${id}`] : [])].join('&');
    if (hash === location.hash.slice(1)) return;
    try {
      history.replaceState(history.state, '', hash ? `#${hash}` : location.pathname + location.search);
    } catch { /* too often for this browser: the next one will do */ }
  };
  addEventListener('hashchange', () => {
    const other = part('c') !== capture; // it has yet to be unpacked (keep.js)
    capture = part('c');
    wish = asked();
    seen = -1;
    if (wish && opens(mode) && (capture === undefined || !other)) select(wish);
  });
  return {
    /** write is told which event is selected now. */
    write(id) {
      if (id === 0 && wish) return; // it is still to come
      wish = 0;
      clearTimeout(timer);
      timer = setTimeout(set, PAUSE, id);
    },
    /** try looks for the event that the address asks for, as events come. */
    try({ version, total, selected, mode: of }) {
      mode = of;
      if (!wish || total === 0 || version === seen || !opens(mode)) return;
      seen = version;
      if (selected !== wish) select(wish);
    },
  };
}
