// Errors, as Node shows those that no one caught: where, and what.

import { inspect } from 'node-inspect-extracted';

/** trace leaves in a stack what is of the program. Of its first line, that which
    stands before it is not counted. */
export function trace(name, before = 0) {
  Error.prepareStackTrace = (error, frames) => {
    let head;
    try {
      head = String(error);
    } catch {
      head = 'Error';
    }
    const lines = frames.filter((f) => f.getScriptNameOrSourceURL() === name).map((f) => {
      const line = f.getLineNumber();
      const at = `${name}:${line}:${f.getColumnNumber() - (line === 1 ? before : 0)}`;
      const what = f.getFunctionName() ?? f.getMethodName();
      return what ? `    at ${what} (${at})` : `    at ${at}`;
    });
    return [head, ...lines].join('\n');
  };
  trace.before = before;
}

// place is where an error is: as its stack says, or the browser.
function place(error, at, name) {
  const found = typeof error?.stack === 'string' && error.stack.split('\n').map((l) => l.match(/(\S+):(\d+):(\d+)\)?$/)).find((m) => m?.[1].endsWith(name));
  if (found) return { line: Number(found[2]), column: Number(found[3]) };
  if (!at?.line) return { line: 0, column: 0 };
  return { line: at.line, column: at.column - (at.line === 1 ? trace.before : 0) };
}

/** report is what Node writes of an error that no one caught, and the line. */
export function report({ error, origin, at, name, source }) {
  const lines = source.split('\n');
  let { line, column } = place(error, at, name);
  if (line > lines.length) [line, column] = [lines.length, lines.at(-1).length + 1];
  const where = line > 0 ? `${name}:${line}\n${lines[line - 1].slice(0, 200)}\n${' '.repeat(Math.max(0, Math.min(column, 200) - 1))}^\n\n` : '';
  const bad = origin === 'unhandledRejection' && !(error instanceof Error);
  // What cannot be read has no stack; where it was read is not of interest.
  const unread = error instanceof SyntaxError && error.message.match(/'importScripts'[^:]*: (.*)/s)?.[1];
  const what = unread ? `SyntaxError: ${unread}` : bad ? `[UnhandledPromiseRejection: This error originated either by throwing inside of an async function without a catch block, or by rejecting a promise which was not handled with .catch(). The promise rejected with the reason "${inspect(error)}".]`
    : error instanceof Error ? inspect(error) : `Uncaught ${inspect(error)}`;
  return { line, text: where + what };
}
