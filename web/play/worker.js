// What a program of the playground finds around it: Node's globals, and require.
// It runs in a worker of a sandboxed frame (static/sandbox.html), with a port to
// the page as its only way out (static/play/runner.js is the other end).

import { Buffer } from 'buffer';
import * as events from 'events';
import * as stream from 'readable-stream';
import * as decoder from 'string_decoder';
import net, { configure } from '../net/src/index.js';
import { makeConsole } from './console.js';
import { trace, report } from './errors.js';
import { Life, timers } from './life.js';
import { watch } from './lines.js';
import { makeProcess } from './process.js';
import { sockets } from './socket.js';

const later = globalThis.setTimeout.bind(globalThis);
const whole = (module) => module.default ?? module;

addEventListener('message', ({ data: { name, source }, ports: [port] }) => {
  const say = (...message) => port.postMessage(message);
  const life = new Life(() => exit());
  const out = makeConsole((kind, text) => say('print', kind, text));
  const process = makeProcess(out, (code) => exit(code));

  let over = false;
  function exit(code = process.exitCode ?? 0) {
    if (over) return;
    over = true;
    process.exitCode = code;
    try {
      process.emit('exit', code);
    } finally {
      out.flush();
      say('end', code);
    }
  }

  // broken is where an error comes that no one has caught: the program's own
  // listener has it, or it is the program's end, as in Node.
  function broken(error, origin, at) {
    if (over || process.emit('uncaughtException', error, origin)) return;
    const { line, text } = report({ error, origin, at, name, source });
    out.error(text);
    if (line > 0) say('fault', line);
    exit(1);
  }
  addEventListener('error', (event) => {
    event.preventDefault();
    const { error, message, lineno, colno } = event;
    broken(error ?? new Error(message), 'uncaughtException', { line: lineno, column: colno });
  });
  addEventListener('unhandledrejection', (event) => {
    event.preventDefault();
    if (process.emit('unhandledRejection', event.reason, event.promise)) return;
    broken(event.reason, 'unhandledRejection');
  });
  const modules = {
    net, events: whole(events), stream: whole(stream), buffer: { Buffer }, string_decoder: whole(decoder), process, console: out.console,
  };
  function require(id) {
    const key = String(id).replace(/^node:/, '');
    if (Object.hasOwn(modules, key)) return modules[key];
    const error = new Error(`Cannot find module '${id}': a page has ${Object.keys(modules).join(', ')}`);
    error.code = 'MODULE_NOT_FOUND';
    throw error;
  }

  const { WebSocket, heard } = sockets(say, life);
  port.onmessage = ({ data: [verb, ...rest] }) => {
    if (verb === 'shown') out.shown(...rest);
    else heard(verb, ...rest);
    life.look();
  };
  configure({ url: 'ws://porthole/ws', WebSocket }); // which gateway, the page knows

  const globals = { Buffer, process, console: out.console, global: globalThis, ...timers(life) };
  for (const [key, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, key, { value, writable: true, configurable: true });
  }
  const module = { exports: {} };
  // The names that a module of Node's has; and the program's lines stay its lines.
  const before = '(globalThis[Symbol.for("porthole.run")])((function (exports, require, module, __filename, __dirname) {';
  globalThis[Symbol.for('porthole.run')] = (main) => {
    delete globalThis[Symbol.for('porthole.run')];
    main.call(module.exports, module.exports, require, module, `/${name}`, '/');
  };
  trace(name, before.length);
  watch(net, name, say);
  const file = URL.createObjectURL(new Blob([before, source, '\n}))\n//# sourceURL=', name], { type: 'text/javascript' }));
  say('begun');
  // What it throws is to be uncaught: only so the browser says where a program is
  // that cannot be read.
  life.hold();
  later(() => {
    life.release();
    importScripts(file);
  });
}, { once: true });
