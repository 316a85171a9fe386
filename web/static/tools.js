// The tools above the ladder: which connection, what matches, and whether it
// stands still.

import { count, element, get, mark, put } from './dom.js';
import { Conn, Link } from './frame.js';
import { t } from './words.js';

const narrow = matchMedia('(max-width: 760px)');
const picked = (id) => Number(get(id).querySelector(':checked').value);

const WIDTH = 264; // px of the box that tells what the filter does

let app = null;
let wish = 'none'; // the filter that the program is to have
let told = 'none'; // the one that it has
let asked = false; // the visitor waits to hear how many match

const none = () => get('filter').value === '' && picked('show') === 0 && picked('whose') === 0;

// sift passes the filter on, at once or when there is a program.
function sift() {
  const filter = [get('filter').value, picked('show'), picked('whose'), picked('rest') === 1];
  wish = JSON.stringify(filter);
  const program = app.program();
  if (!program || wish === told) return;
  told = wish;
  program.filter(...filter);
  app.ask();
}

function freeze() {
  const button = get('freeze');
  const on = button.getAttribute('aria-pressed') !== 'true';
  mark(button, 'aria-pressed', on);
  app.program()?.freeze(on);
  app.say(t(on ? 'frozen' : 'unfrozen'));
  app.ask();
}

// fold puts what a narrow window has no room for where the filter is explained.
function fold() {
  const [show, another, share] = ['show', 'another', 'share'].map(get);
  if (another === null) return; // a page that is narrow anyway
  if (narrow.matches) {
    get('whose').before(show);
    get('folded').append(another, share);
  } else {
    document.querySelector('.t-left').after(show);
    get('conn').after(another);
    get('keep').after(share);
  }
}

// place puts the box under its button: it lies above the page, which knows no
// other way to tell it where that is.
function place(event) {
  if (event.newState !== 'open') return;
  const box = get('sifts');
  const at = get('sift').getBoundingClientRect();
  const most = document.documentElement.clientWidth - WIDTH - 8;
  box.style.top = `${at.bottom + 4}px`;
  box.style.left = `${Math.max(8, Math.min(at.right - WIDTH, most))}px`;
}

/** tools makes them work. */
export function tools(the) {
  app = the;
  const filter = get('filter');
  filter.addEventListener('input', () => {
    asked = true;
    sift();
  });
  filter.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') get('ladder').focus();
    if (event.key !== 'Escape') return;
    event.preventDefault(); // the browser would clear it in its own way
    if (filter.value === '') get('ladder').focus();
    filter.value = '';
    sift();
  });
  for (const id of ['show', 'whose', 'rest']) get(id).addEventListener('change', sift);
  get('conn').addEventListener('change', ({ target }) => {
    app.program()?.choose(Number(target.value));
    app.ask();
  });
  get('another')?.addEventListener('click', ({ currentTarget }) => {
    if (currentTarget.getAttribute('aria-disabled') === 'true') return;
    app.program()?.open();
    app.ask();
  });
  get('freeze').addEventListener('click', freeze);
  get('sifts').addEventListener('beforetoggle', place);
  narrow.addEventListener('change', fold);
  fold();
}

// name is how a connection is called in the list.
function name(conn, frame) {
  const { number, own } = conn;
  const kernel = number === frame.shown && frame.client.kernel;
  const state = conn.state === Conn.GONE ? t('gone') : conn.state === Conn.CLOSED ? t('closed') : kernel && kernel.known ? kernel.state : own ? t('open') : '';
  return `${own ? t('thisPage', number) : `#${number} ${conn.client}`} ${state}`.trim();
}

// drawConns brings the list up to date in place: it may be open just now.
function drawConns(frame) {
  const select = get('conn');
  const wanted = [{ value: '0', text: t('everyConn') }, ...frame.conns.map((conn) => ({ value: String(conn.number), text: name(conn, frame) }))];
  if (frame.chosen && !frame.conns.some(({ number }) => number === frame.chosen)) {
    wanted.push({ value: String(frame.chosen), text: `#${frame.chosen}` }); // older than the list goes
  }
  const { options } = select;
  wanted.forEach(({ value, text }, i) => {
    if (options[i]?.value !== value) {
      const next = [...options].slice(i).find((o) => o.value === value);
      select.insertBefore(next ?? element('option', '', { value }), options[i] ?? null);
    }
    put(options[i], text);
  });
  while (options.length > wanted.length) options[options.length - 1].remove();
  const value = String(frame.chosen);
  if (select.value !== value) select.value = value;
}

/** drawTools shows what a frame says of them. */
export function drawTools(frame) {
  if (wish !== told) sift(); // it came before the program did
  drawConns(frame);
  if (get('another') !== null) mark(get('another'), 'aria-disabled', frame.link !== Link.OPEN);
  const frozen = get('freeze').lastElementChild;
  frozen.dataset.t = get('freeze').getAttribute('aria-pressed') === 'true' ? 'frozen' : 'freeze';
  put(frozen, t(frozen.dataset.t));
  const all = none();
  put(get('hits'), all ? '' : count(frame.matches));
  mark(get('sift'), 'aria-label', all ? t('sift') : `${t('sift')}: ${t('matching', frame.matches)}`);
  get('sift').classList.toggle('on', !all || picked('rest') === 1);
  if (asked && wish === told && !all) app.say(t('matching', frame.matches));
  asked = false;
}
