// The server in this tab: the greeter, compiled to WebAssembly, takes the place of
// the gateway's own, at the same address.

import { get, hide, put } from './dom.js';
import { Link, Mode, Offer, Server, Sock } from './frame.js';
import { t } from './words.js';

const WAIT = 5000; // ms

let tab = null; // what the greeter tells, and how to stop it and ask it, while there is one
let said = ''; // why there is none

/** inTab tells whether the server is in this tab. */
export const inTab = () => tab !== null;

/** stopTab ends the server in this tab. */
export const stopTab = () => tab?.stop?.();

const can = ({ link, mode, offers, target }) => link === Link.OPEN && mode === Mode.LIVE
  && (offers & Offer.LISTEN) > 0 && (offers & Offer.SERVER) > 0 && /:\d+$/.test(target);

/** drawTab shows what can be done. */
export function drawTab(frame) {
  hide(get('tab'), !(can(frame) || inTab()));
  put(get('intab'), t(inTab() ? 'tab-stop' : 'tab-run'));
  put(get('tabsays'), said || (tab?.at ? state(frame.target) : ''));
}

// state says where the greeter is reached; or that it is not, as its gateway went.
function state(target) {
  if (!tab.up()) return t('tab-waits');
  const at = target.lastIndexOf(':');
  return t('tab-is', `nc ${target.slice(0, at)} ${target.slice(at + 1)}`);
}

// run starts the greeter once the gateway's own has given the port free.
async function run(app) {
  const program = app.program();
  const { target, listener } = app.frame();
  tab = { at: '' };
  said = '';
  app.ask();
  try {
    if (listener === Server.LISTENING) {
      program.lab('close', 0);
      program.destroy(); // our socket is to that one
      await app.until((f) => f.listener !== Server.LISTENING, WAIT);
    }
    const go = new Go();
    go.argv = ['tab', target];
    globalThis.tab = tab;
    const listens = new Promise((done, fail) => {
      tab.listening = (at) => { tab.at = at; done(); };
      tab.failed = (why) => {
        said = t('tab-failed', why); // it may have listened until now
        fail(new Error(why));
      };
    });
    const file = fetch(new URL('./tab.wasm', import.meta.url));
    const { instance } = await WebAssembly.instantiateStreaming(file, go.importObject);
    const ended = go.run(instance);
    ended.finally(() => { tab = null; app.ask(); });
    await listens;
    await app.until((f) => f.listener === Server.LISTENING && f.sock !== Sock.UP, WAIT);
    program.connect();
  } catch (error) {
    said = t('tab-failed', error.message);
    tab = null;
  }
  app.ask();
}

/** tabs makes the button do what it says. */
export function tabs(app) {
  get('intab').addEventListener('click', () => {
    if (inTab()) stopTab();
    else if (app.program() !== null) run(app);
  });
}
