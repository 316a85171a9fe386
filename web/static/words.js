// Everything the page says, in both languages. Names of the API, codes and
// bytes are never translated, so they are not here.

import { count, mark, put } from './dom.js';
import { phrases } from './phrases.js';

const many = (c, word) => `${count(c)} ${word}${c === 1 ? '' : 's'}`;

// How a session has ended, by the code of its WebSocket's close.
const codes = {
  1001: ['The gateway left (1001)', '网关已退出（1001）'],
  1006: ['The connection to the gateway was lost (1006)', '与网关的连接已断开（1006）'],
};
const ended = (language, code, reason) => codes[code]?.[language] ?? (language === 0
  ? `The session has ended (${code}${reason && `: ${reason}`})`
  : `会话已结束（${code}${reason && `：${reason}`}）`);

// A value is text, or makes text; of a card it makes parts: text, or [tag, text].
const words = {
  ...phrases, // whole sentences: lessons, inspector, dialogs
  title: ['Porthole: a TCP connection, seen from both ends', 'Porthole：从两端看一条 TCP 连接'],
  skip: ['Skip to the ladder', '跳到事件梯'],
  thesis: ['Bytes keep their order, not your pieces.', '字节保序，不保分段。'],
  playground: ['Playground', '编程'],
  language: ['Language', '语言'],
  gateway: ['gateway', '网关'],
  linking: ['connecting', '连接中'],
  linked: ['connected', '已连接'],
  unlinked: ['lost', '已断开'],
  lost: ['Gateway lost', '网关已断开'],
  parted: [(code, reason) => ended(0, code, reason), (code, reason) => ended(1, code, reason)],
  unmet: ['No gateway answers', '没有网关应答'],
  died: [
    (code, reason, sockets) => `${ended(0, code, reason)}, and with it ${sockets}`,
    (code, reason, sockets) => `${ended(1, code, reason)}，随之断开：${sockets}`,
  ],
  retry: ['Reconnect now', '立即重连'],
  retryIn: [(s) => `Trying again in ${s} s`, (s) => `${s} 秒后重试`],
  whyFull: ['It is full, or leaving.', '网关已满，或正在退出。'],
  whyShare: ['It has enough of your address.', '来自您地址的连接过多。'],
  'tab-run': ['Run the server in this tab', '在此标签页里运行服务端'],
  'tab-stop': ['Stop the server in this tab', '停止此标签页里的服务端'],
  'tab-is': [(nc) => `It is Go, compiled to WebAssembly: ${nc} reaches this tab.`, (nc) => `它由 Go 编译为 WebAssembly：${nc} 可连到此标签页。`],
  'tab-waits': ['Its gateway went. It listens again as soon as it can.', '网关已断开，一旦可能就重新监听。'],
  'tab-failed': [(why) => `It does not run: ${why}`, (why) => `未能运行：${why}`],
  logout: ['Log out', '退出登录'],
  retrying: ['Trying now', '正在重试'],

  client: ['client', '客户端'],
  server: ['server', '服务端'],
  message: ['Message', '消息'],
  times: ['Times', '次数'],
  send: ['Send', '发送'],
  connect: ['Connect', '连接'],
  more: ['More', '更多'],
  also: ['From a terminal, too:', '在终端里也行：'],
  writes: [(c) => many(c, 'write'), (c) => `${count(c)} 次写`],
  reads: [(c) => many(c, 'read'), (c) => `${count(c)} 次读`],
  framing: ['Framing of what is sent', '所发内容的分帧'],
  'f-none': ['raw', '原样'],
  'f-newline': ['+ \\n', '+ \\n'],
  'f-u16': ['u16 +', 'u16 +'],
  pipe: ['Bytes held by the two kernels, now', '此刻留在两端内核里的字节'],
  ck: ['client kernel', '客户端内核'],
  sk: ['server kernel', '服务端内核'],
  unsent: ['unsent', '未发'],
  unread: ['unread', '未读'],
  held: [(b) => `page: ${b} to write`, (b) => `页面里还有 ${b} 待写`],
  stuck: [(b) => `page: ${b} · write() waits`, (b) => `页面压着 ${b} · write() 在等`],
  upto: ['read up to', '每次最多读'],
  resumes: ['Paused: press to resume()', '已暂停：再按即 resume()'],
  closeserver: ['close server', '关闭服务器'],
  startserver: ['Start server', '启动服务器'],

  noprogram: ['no program', '无程序'],
  unknown: ['unknown', '未知'],
  connecting: ['connecting', '连接中'],
  open: ['open', '已打开'],
  closed: ['closed', '已关闭'],
  gone: ['gone with the gateway', '已随网关断开'],
  notlistening: ['not listening', '未监听'],
  closing: [(c) => `closing · ${count(c)} open`, (c) => `正在关闭 · 还有 ${count(c)} 条`],
  notreached: ['not reached', '未到达'],
  notdialled: ['not dialled', '未拨号'],
  unobserved: ['not observed', '未观察'],

  ladder: ['Ladder of events', '事件梯'],
  gap: ['since the row before', '距上一行'],
  fresh: [(c) => `${count(c)} new`, (c) => `${count(c)} 条新事件`],
  older: [
    (c, bytes) => `${many(c, 'earlier event')} (${bytes}) ${c === 1 ? 'is' : 'are'} no longer kept`,
    (c, bytes) => `更早的 ${count(c)} 条事件（${bytes}）不再保留`,
  ],
  saidWrite: [
    (reads, from, to) => `, ${reads > 0 ? `${many(reads, 'read')}, ` : ''}bytes ${from}–${to}`,
    (reads, from, to) => `，${reads > 0 ? `${count(reads)} 次读，` : ''}字节 ${from}–${to}`,
  ],
  saidRead: [
    (writes, from, to) => `, ${writes > 0 ? `${many(writes, 'write')}, ` : ''}bytes ${from}–${to}`,
    (writes, from, to) => `，${writes > 0 ? `${count(writes)} 次写，` : ''}字节 ${from}–${to}`,
  ],
  ratio: [(w, r) => `${many(w, 'write')} → ${many(r, 'read')}`, (w, r) => `${count(w)} 次写 → ${count(r)} 次读`],
  refold: [(name) => `fold ${name}`, (name) => `收起 ${name}`],

  conn: ['Connection', '连接'],
  everyConn: ['all', '全部'],
  thisPage: [(number) => `#${number} this page`, (number) => `#${number} 本页`],
  another: ['Open another socket', '再开一个套接字'],
  filter: ['Filter', '筛选'],
  filterhint: ['/ filter', '/ 筛选'],
  sift: ['What the filter does', '筛选方式'],
  whose: ['Side', '哪一端'],
  both: ['both', '两端'],
  rest: ['The rest', '其余'],
  dim: ['dimmed', '变淡'],
  hide: ['hidden', '隐藏'],
  matching: [(c) => `${many(c, 'event')} match`, (c) => `${count(c)} 条匹配`],
  show: ['Show', '显示'],
  all: ['all', '全部'],
  data: ['data', '数据'],
  lifecycle: ['lifecycle', '生命周期'],
  freeze: ['Freeze', '定格'],
  frozen: ['Frozen', '已定格'],
  unfrozen: ['no longer frozen', '不再定格'],
  missing: [
    (c) => `${c === 1 ? '1 event' : `${count(c)} events`} not shown. The sockets were not slowed.`,
    (c) => `${count(c)} 条事件未显示。套接字没有变慢。`,
  ],

  legend: ['Legend', '图例'],
  'l-call': ['call', '调用'],
  'l-event': ['event', '事件'],
  'l-error': ['error', '错误'],
  'l-zero': ['no bytes', '无字节'],
  'l-pause': ['paused', '已暂停'],

  try: ['Try', '动手试'],
  help: ['Help and keys', '帮助与按键'],
  keep: ['Export', '导出'],
  share: ['Share', '分享'],
  capture: ['A capture', '一份捕获'],
  play: ['Play', '重放'],
  golive: ['Back to the live sockets', '回到真实的套接字'],

  loaded: [(kB, of) => `${count(kB)} of ${count(of)} KB`, (kB, of) => `${count(kB)} / ${count(of)} KB`],
  loading: ['Loading the program', '正在加载程序'],
  noWasm: [
    () => ['WebAssembly is turned off in this browser. The server is real; talk to it from a terminal:'],
    () => ['此浏览器关闭了 WebAssembly。服务端是真的，可以在终端里和它说话：'],
  ],
  noLoad: [
    (why) => ['The program did not load (', ['code', why], '). The server is real; talk to it from a terminal:'],
    (why) => ['程序没有加载成功（', ['code', why], '）。服务端是真的，可以在终端里和它说话：'],
  ],
  stopped: [() => ['The program has stopped. Reload the page to start it again.'], () => ['程序已停止。刷新页面可重新启动。']],
  empty: [
    (text) => ['Press ', ['kbd', 'Enter'], ' to say ', ['b', text], '.'],
    (text) => ['按 ', ['kbd', 'Enter'], ' 说 ', ['b', text], '。'],
  ],
  refused: [
    (target) => ['Nothing listens on ', ['code', target], '. Start a server there, then press Connect:'],
    (target) => [['code', target], ' 上没有监听。先启动服务端，再按“连接”：'],
  ],
  down: [(target) => ['Nothing listens on ', ['code', target], '.'], (target) => [['code', target], ' 上没有监听。']],
  notours: [
    () => ['This connection is another program\'s: you see both its ends, and cannot speak for either. Choose one of this page\'s.'],
    () => ['这条连接属于别的程序：你看得到它的两端，但不能替它说话。请选择本页的连接。'],
  ],
  longest: [(most) => ['Two bytes of length say at most ', ['b', most], '.'], (most) => ['两个字节的长度最多只能表示 ', ['b', most], '。']],
  unlisted: [
    (at, target) => [['code', at], ' is not on this gateway\'s list. It may dial ', ['code', target], '.'],
    (at, target) => [['code', at], ' 不在此网关的清单上。它可以拨 ', ['code', target], '。'],
  ],
  forbidden: [
    (target) => ['This gateway may not dial ', ['code', target], ': the name leads to an address that its policy forbids.'],
    (target) => ['此网关不能拨 ', ['code', target], '：这个名字指向策略所禁止的地址。'],
  ],
  failed: [(why) => ['No connection: ', ['code', why]], (why) => ['没有连上：', ['code', why]]],
  broke: [
    (code) => ['The socket broke with ', ['code', code], '. Connect opens another.'],
    (code) => ['套接字因 ', ['code', code], ' 中断。按“连接”再开一个。'],
  ],
  over: [() => ['The socket is closed. Connect opens another.'], () => ['套接字已关闭。按“连接”再开一个。']],
  went: [
    () => ['The gateway went, and this socket with it. Connect opens another.'],
    () => ['网关已断开，此套接字也随之断开。按“连接”再开一个。'],
  ],
  full: [
    (waits) => ['Too much is waiting (', ['b', waits], '): the server does not read. Send works again when it does.'],
    (waits) => ['等待发送的太多（', ['b', waits], '）：服务端没有读。它再读时即可发送。'],
  ],
  tooBig: [(most) => ['That is more than ', ['b', most], ' at once.'], (most) => ['一次不能超过 ', ['b', most], '。']],

  answered: [(text) => `server answered ${text}`, (text) => `服务端回答 ${text}`],
  isConnected: ['connected', '已连接'],
};

/** learn takes the words of another page. */
export const learn = (more) => Object.assign(words, more);

const KEY = 'porthole.language';
let language = 0; // a column of words

/** t is a word, or a sentence about args, in the visitor's language. */
export function t(key, ...args) {
  const word = words[key][language];
  return typeof word === 'function' ? word(...args) : word;
}

/** known tells whether there is a word. */
export const known = (key) => Object.hasOwn(words, key);

/** translate puts the page into the visitor's language and calls changed
    whenever he chooses another. */
export function translate(changed) {
  let chosen = null;
  try { chosen = localStorage.getItem(KEY); } catch { /* no storage: nothing is remembered */ }
  const buttons = document.querySelectorAll('.lang button');
  const use = (code) => {
    language = code.startsWith('zh') ? 1 : 0;
    document.documentElement.lang = language ? 'zh-CN' : 'en';
    document.title = t('title');
    for (const b of buttons) mark(b, 'aria-pressed', b.lang === document.documentElement.lang);
    for (const e of document.querySelectorAll('[data-t]')) put(e, t(e.dataset.t, 0)); // where it counts, from 0
    for (const e of document.querySelectorAll('[data-t-label]')) mark(e, 'aria-label', t(e.dataset.tLabel));
    for (const e of document.querySelectorAll('[data-t-hint]')) mark(e, 'placeholder', t(e.dataset.tHint));
  };
  for (const b of buttons) {
    b.addEventListener('click', () => {
      use(b.lang);
      try { localStorage.setItem(KEY, b.lang); } catch { /* as above */ }
      changed();
    });
  }
  use(chosen ?? navigator.language);
}
