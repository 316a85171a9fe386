// The gateway: where it is, whether it is there, and what can be done about it.

import { dress, get, hide, put } from './dom.js';
import { Link, Offer } from './frame.js';
import { t } from './words.js';

let app = null;
let met = false; // it has answered
let adrift = false; // it was lost, and has not answered since
let lost = 0; // when the next try was to be, as it was lost last
let why = ''; // it lets no one in
let tick = 0;

/** drawGateway draws what a frame says of it. */
export function drawGateway(frame) {
  if (frame.link === Link.LOST && frame.retry !== lost) {
    lost = frame.retry;
    adrift = true;
    askWhy();
  }
  if (frame.link === Link.OPEN) {
    met = true;
    adrift = false;
  }
  if (frame.link === Link.LOST) put(get('gone'), parted(frame));
  hide(get('logout'), !(frame.offers & Offer.USER));
  const state = ['linking', 'linked', 'unlinked'][frame.link];
  put(get('gate-addr'), location.host);
  put(get('gate-state'), t(state));
  dress(get('gate-dot'), state);
  const banner = get('banner');
  if (banner.hidden === adrift) {
    if (banner.contains(document.activeElement)) app.home();
    banner.hidden = !adrift;
  }
  document.body.classList.toggle('adrift', frame.link !== Link.OPEN);
  clearTimeout(tick);
  const wait = frame.retry - performance.now();
  const waits = frame.link === Link.LOST && wait > 0;
  put(get('retry-why'), why && t(why));
  put(get('retry-in'), waits ? t('retryIn', Math.ceil(wait / 1000)) : t('retrying'));
  if (waits) tick = setTimeout(app.ask, wait % 1000 + 20); // when the next second begins
}

/** parted says how a gateway was lost. */
export const parted = ({ code, reason }) => (met ? t('parted', code, reason) : t('unmet'));

// askWhy asks as any request would: a WebSocket that is refused does not say why.
async function askWhy() {
  const { status } = await fetch('ws', { cache: 'no-store' }).catch(() => ({}));
  if (status === 401) location.assign('login');
  why = { 429: 'whyShare', 503: 'whyFull' }[status] ?? '';
  app.ask();
}

/** gate makes its buttons work. app.home is where the focus goes when one goes. */
export function gate(of) {
  app = of;
  get('retry').addEventListener('click', () => app.program().retry());
  get('logout').addEventListener('click', async () => {
    await fetch('logout', { method: 'POST' }).catch(() => {}); // then the way in tells more
    location.assign('login');
  });
}
