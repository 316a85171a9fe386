// A link carries both programs: #p=, deflated. It brings them and does not run
// them, for they are whoever's made the link.

import { get, hide, put } from '../dom.js';
import { INFLATED, LONGEST, TooMuch, copy, pack, parts, unpack } from '../pack.js';
import { t } from '../words.js';

const NAME = 'p=';

let came = null; // what is to be said of the programs: two keys, and what with
let app = null;
let panes = null;

const packed = () => parts().find((part) => part.startsWith(NAME))?.slice(NAME.length);

// read makes programs of what a link holds, or throws.
async function read(text) {
  const texts = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await unpack(text)));
  if (!Array.isArray(texts) || texts.length !== 2 || texts.some((s) => typeof s !== 'string')) throw new Error('no programs');
  return texts;
}

/** drawCame says where the programs are from, if they are not the page's own. */
export function drawCame() {
  hide(get('came'), came === null);
  if (came === null) return;
  put(get('came-what'), t(came.what));
  put(get('came-how'), came.how ? t(came.how, ...came.with ?? []) : '');
}

async function bring() {
  const text = packed();
  const kept = panes.kept();
  came = null;
  if (text !== undefined) {
    try {
      panes.take(await read(text));
      came = { what: 'p-linked', how: 'p-read' };
    } catch (error) {
      came = { what: 'p-linked', how: error instanceof TooMuch ? 'p-bomb' : 'p-torn', with: [INFLATED >> 20] };
    }
  } else if (Array.isArray(kept)) {
    panes.take(kept.map(String));
    came = { what: 'p-changed', how: 'p-kept' };
  }
  drawCame();
}

// forget takes the programs out of the address.
function forget() {
  const rest = parts().filter((part) => !part.startsWith(NAME));
  history.replaceState(history.state, '', rest.length > 0 ? `#${rest.join('&')}` : location.pathname + location.search);
}

async function link() {
  const text = await pack(new TextEncoder().encode(JSON.stringify(panes.all())));
  const url = new URL(`#${NAME}${text}`, location.href);
  if (url.href.length > LONGEST) came = { what: 'p-link', how: 'p-long', with: [url.href.length, LONGEST] };
  else {
    history.replaceState(history.state, '', url.hash);
    came = { what: 'p-link', how: await copy(url.href) ? 'p-copied' : 'p-address', with: [url.href.length] };
  }
  drawCame();
  app.say(get('came-how').textContent);
}

/** carry looks at the address, and makes the buttons work. */
export function carry(ofApp, ofPanes) {
  app = ofApp;
  panes = ofPanes;
  get('link').addEventListener('click', link);
  get('restore').addEventListener('click', () => {
    panes.restore();
    forget();
    came = null;
    drawCame();
    panes.focus(); // the button goes
  });
  addEventListener('hashchange', bring);
  bring();
}
