// The console and the two outputs of a program: text, as Node formats it, in lines.
// Lines that the page has not shown yet are bounded: what comes beyond is counted.

import { format, inspect } from 'node-inspect-extracted';
import { table } from './table.js';

const AHEAD = 2000; // lines that the page has not shown
const LONGEST = 10000; // characters of a line, roughly: the page cuts it

/** makeConsole returns a console. print is called with a line and its kind. */
export function makeConsole(print) {
  const rest = { stdout: '', stderr: '' }; // what has no end of line yet
  const ahead = { lines: 0, lost: 0 };
  let timer = 0;
  let indent = '';
  const counts = new Map();
  const times = new Map();

  function line(kind, text) {
    if (ahead.lines >= AHEAD) {
      ahead.lost++;
      return;
    }
    ahead.lines++;
    print(kind, text.slice(0, LONGEST));
  }

  function flush() {
    for (const kind of ['stdout', 'stderr']) {
      if (rest[kind] === '') continue;
      line(kind, rest[kind]);
      rest[kind] = '';
    }
  }

  /** write adds to an output; what lacks an end is shown when the program yields. */
  const later = globalThis.setTimeout.bind(globalThis);
  function write(kind, text) {
    rest[kind] += text;
    const end = rest[kind].lastIndexOf('\n');
    if (end >= 0) {
      line(kind, rest[kind].slice(0, end));
      rest[kind] = rest[kind].slice(end + 1);
    }
    if (rest[kind] !== '') timer ||= later(() => { timer = 0; flush(); });
  }

  const say = (kind, text) => write(kind, `${indent}${text.replaceAll('\n', `\n${indent}`)}\n`);
  const log = (...args) => say('stdout', format(...args));
  const error = (...args) => say('stderr', format(...args));
  const took = (name) => `${name}: ${(performance.now() - times.get(name)).toFixed(3)}ms`;

  const console = {
    log, info: log, debug: log, error, warn: error,
    dir: (value, options) => say('stdout', inspect(value, { customInspect: false, ...options })),
    trace(...args) {
      const { stack } = new Error();
      error(`Trace: ${format(...args)}${stack.slice(stack.indexOf('\n'))}`);
    },
    assert(ok, ...args) { if (!ok) error(`Assertion failed${args.length > 0 ? `: ${format(...args)}` : ''}`); },
    table: (data, columns) => log(typeof data === 'object' && data !== null ? table(data, columns) : data),
    group(...args) {
      if (args.length > 0) log(...args);
      indent += '  ';
    },
    groupEnd() { indent = indent.slice(2); },
    count(name = 'default') {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      log(`${name}: ${counts.get(name)}`);
    },
    countReset(name = 'default') { counts.delete(name); },
    time(name = 'default') { times.set(name, performance.now()); },
    timeLog(name = 'default', ...args) { if (times.has(name)) log(took(name), ...args); },
    timeEnd(name = 'default') {
      if (times.has(name)) log(took(name));
      times.delete(name);
    },
  };
  console.groupCollapsed = console.group;

  return {
    console, error, flush, write,
    /** shown notes that the page has caught up by so many lines. */
    shown(lines) {
      ahead.lines = Math.max(0, ahead.lines - lines);
      if (ahead.lost === 0) return;
      print('left', String(ahead.lost));
      ahead.lost = 0;
    },
  };
}
