// The address of the page names the selected event: #e=7, beside what else is
// there (c= is a capture).

const PAUSE = 200; // ms; browsers mind an address that changes at every key

const parts = () => location.hash.slice(1).split('&').filter((part) => part !== '');

function asked() {
  const part = parts().find((p) => p.startsWith('e='));
  return part ? Number(part.slice(2)) || 0 : 0;
}

/** address keeps the selected event in the page's address. select is called
    with the event that the address asks for. */
export function address(select) {
  let wish = asked(); // not there yet
  let seen = -1; // the version of the frame in which it was looked for
  let timer = 0;
  const set = (id) => {
    const rest = parts().filter((p) => !p.startsWith('e='));
    const hash = [...rest, ...(id ? [`e=${id}`] : [])].join('&');
    if (hash === location.hash.slice(1)) return;
    try {
      history.replaceState(history.state, '', hash ? `#${hash}` : location.pathname + location.search);
    } catch { /* too often for this browser: the next one will do */ }
  };
  addEventListener('hashchange', () => {
    if (asked()) select(wish = asked());
  });
  return {
    /** write is told which event is selected now. */
    write(id) {
      wish = 0;
      clearTimeout(timer);
      timer = setTimeout(set, PAUSE, id);
    },
    /** try looks for the event that the address asks for, as events come. */
    try({ version, total, selected }) {
      if (!wish || total === 0 || version === seen) return;
      seen = version;
      if (selected !== wish) select(wish);
    },
  };
}
