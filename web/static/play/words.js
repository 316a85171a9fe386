// What the playground says, beside what the page does.

import { count } from '../dom.js';
import { learn } from '../words.js';

learn({
  title: ['Porthole: Node\'s net in a page', 'Porthole：页面里的 Node net'],
  home: ['Experiments', '实验'],
  'p-thesis': ['Node\'s net, in a page: real TCP, both ends.', '页面里的 Node net：真的 TCP，两端都看得见。'],
  'p-programs': ['Programs', '程序'],
  'p-run': ['Run', '运行'],
  'p-stop': ['Stop', '停止'],
  'p-link': ['Link', '链接'],
  'p-keys': ['Ctrl+Enter runs · Esc stops · Tab leaves the editor', 'Ctrl+Enter 运行 · Esc 停止 · Tab 离开编辑器'],
  'p-console': ['Console', '控制台'],
  'p-clear': ['Clear', '清空'],
  'p-runs': ['runs', '运行中'],
  'p-restore': ['Back to the first programs', '恢复原来的程序'],
  'p-linked': ['By a link', '来自链接'],
  'p-read': ['These programs came with the address. Nothing runs until you press Run.', '这些程序随网址而来。按“运行”之前什么都不会执行。'],
  'p-changed': ['Changed', '已修改'],
  'p-kept': ['These are your own programs, kept in this tab.', '这是您改过的程序，保存在此标签页里。'],
  'p-torn': ['The link is damaged: there are no programs in it.', '链接已损坏：里面没有程序。'],
  'p-bomb': [(mb) => `The link unfolds to more than ${mb} MB, and was not followed.`, (mb) => `链接展开后超过 ${mb} MB，未采用。`],
  'p-copied': [(n) => `The link is copied: ${count(n)} characters, with both programs in it.`, (n) => `链接已复制：${count(n)} 个字符，含两个程序。`],
  'p-address': ['The page\'s address now holds both programs: copy it.', '网址里现在有这两个程序：请复制它。'],
  'p-long': [(n, most) => `The programs are too long for a link: ${count(n)} characters, ${count(most)} at most.`, (n, most) => `程序太长，放不进链接：${count(n)} 个字符，最多 ${count(most)}。`],
  'p-blind': [
    (why) => ['The ladder did not load (', ['code', why], '). The programs run without it.'],
    (why) => ['事件梯没有加载成功（', ['code', why], '）。程序仍可运行。'],
  ],
  'p-silent': ['its frame did not begin', '沙箱没有启动'],
  'p-broken': [(why) => `It does not run: ${why}`, (why) => `未能运行：${why}`],
  'p-refused': [
    (target) => `EACCES is the gateway's: here a page may dial ${target ? `${target}, and ` : ''}what a page listens on. Does the server run?`,
    (target) => `EACCES 来自网关：这里的页面只能拨 ${target ? `${target} 和` : ''}页面自己监听的地址。服务端在运行吗？`,
  ],
  'p-ended': [(code) => `ended${code ? ` with code ${code}` : ''}`, (code) => `已结束${code ? `，退出码 ${code}` : ''}`],
  'p-stopped': ['stopped', '已停止'],
  'p-left': [(n) => `${count(n)} lines were too many to show`, (n) => `有 ${count(n)} 行太多，未显示`],
  'p-empty': [
    () => ['Run ', ['b', 'server.js'], ', then ', ['b', 'client.js'], '.'],
    () => ['先运行 ', ['b', 'server.js'], '，再运行 ', ['b', 'client.js'], '。'],
  ],
  'p-nc': [
    (nc) => ['Run ', ['b', 'client.js'], '. From a terminal, too: ', ['code', nc]],
    (nc) => ['运行 ', ['b', 'client.js'], '。在终端里也行：', ['code', nc]],
  ],
  'p-unoffered': [
    () => ['This gateway lets no page listen: a server does not run here, a client does.'],
    () => ['此网关不允许页面监听：服务端不能在这里运行，客户端可以。'],
  ],
});
