// What was said: one line for each message of ours, and for what the server
// said until we spoke again.

import { dress, element, get, put } from './dom.js';
import { Side } from './frame.js';
import { t } from './words.js';

export class Talk {
  constructor() {
    this.box = get('lines');
    this.list = get('said');
    this.silence = get('silence');
    this.version = -1; // of what is shown
    this.said = []; // the lines
  }

  /** draw shows the conversation of a frame, if there is news. It returns what
      the server said last, or null. */
  draw(frame) {
    if (frame.talk === null) return null;
    const stuck = this.box.scrollTop + this.box.clientHeight > this.box.scrollHeight - 20;
    const news = frame.talkVersion !== this.version && this.version >= 0;
    this.version = frame.talkVersion;
    this.said = frame.talk;
    this.silence.hidden = this.said.length > 0;
    while (this.list.children.length > this.said.length) this.list.lastChild.remove();
    this.said.forEach((line, i) => {
      const item = this.list.children[i] ?? this.list.appendChild(newItem());
      const afresh = i > 0 && this.said[i - 1].conn !== line.conn;
      fill(item, line, afresh);
    });
    if (stuck) this.box.scrollTop = this.box.scrollHeight;
    const last = this.said.at(-1);
    return news && last?.side === Side.SERVER ? last.text : null;
  }

  /** retell forgets what is shown, which is in another language. */
  retell() { this.version = -1; }
}

function newItem() {
  const item = element('li', '');
  item.append(element('b', 'who'), ' ', element('span', 'text'), ' ', element('em', ''));
  return item;
}

function fill(item, line, afresh) {
  const [who, text, more] = item.children;
  const side = line.side === Side.CLIENT ? 'client' : 'server';
  dress(item, afresh ? `${side} afresh` : side);
  put(who, t(side));
  put(text, line.text);
  put(more, line.more > 0 ? t('moreBytes', line.more) : '');
}
