// console.table: a box of rows and columns.

import { inspect } from 'node-inspect-extracted';

const MOST = 200; // rows

// wide is how many places a text takes: Chinese takes two for each sign.
const wide = (text) => [...text].reduce((sum, c) => sum + (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/.test(c) ? 2 : 1), 0);

const show = (value) => inspect(value, { depth: 0, breakLength: Infinity });

/** table draws data, an object or array. */
export function table(data, columns) {
  const entries = data instanceof Map ? [...data] : data instanceof Set ? [...data].entries() : Object.entries(data);
  const rows = [...entries].slice(0, MOST);
  const object = (value) => typeof value === 'object' && value !== null;
  const names = columns ?? [...new Set(rows.flatMap(([, value]) => (object(value) ? Object.keys(value) : [])))];
  const plain = rows.some(([, value]) => !object(value));
  const head = ['(index)', ...names, ...(plain ? ['Values'] : [])];
  const body = rows.map(([key, value]) => [
    String(key),
    ...names.map((name) => (object(value) && Object.hasOwn(value, name) ? show(value[name]) : '')),
    ...(plain ? [object(value) ? '' : show(value)] : []),
  ]);
  const widths = head.map((_, i) => Math.max(...[head, ...body].map((row) => wide(row[i]))));
  const row = (cells) => `│ ${cells.map((cell, i) => cell + ' '.repeat(widths[i] - wide(cell))).join(' │ ')} │`;
  const rule = (left, mid, right) => left + widths.map((w) => '─'.repeat(w + 2)).join(mid) + right;
  return [rule('┌', '┬', '┐'), row(head), rule('├', '┼', '┤'), ...body.map(row), rule('└', '┴', '┘')].join('\n');
}
