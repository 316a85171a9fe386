// Text for people: sentences made of parts, and text from a socket, which must
// not break a line, nor turn its direction, nor hide.

import { count, element, put } from './dom.js';

const samePart = (a, b) => a === b || (Array.isArray(a) && Array.isArray(b) && a[0] === b[0] && a[1] === b[1]);

/** fill makes parts the content of e: a text, or [tag, text] for an element. */
export function fill(e, parts) {
  const was = e.prose;
  if (was?.length === parts.length && parts.every((part, i) => samePart(part, was[i]))) return;
  e.prose = parts;
  if (parts.length === 1 && typeof parts[0] === 'string') {
    put(e, parts[0]);
    return;
  }
  e.said = undefined; // put knows no more what is there
  e.replaceChildren(...parts.map((part) => {
    if (typeof part === 'string') return part;
    const inner = element(part[0], '');
    inner.textContent = part[1];
    return inner;
  }));
}

/** plain is the text of parts. */
export const plain = (parts) => parts.map((part) => (typeof part === 'string' ? part : part[1])).join('');

// escape writes a control character as a string in a program has it: of their
// pictures in Unicode, many machines have no font.
const escape = (c) => ({ '\0': '\\0', '\t': '\\t', '\n': '\\n', '\r': '\\r' })[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;

/** visible shows control characters as escapes, and what would turn the
    direction of a line, or not be seen, as a small ring. */
export const visible = (text) => text
  .replace(/[\x00-\x1f\x7f-\x9f]/g, escape)
  .replace(/[\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, '\u25e6');

/** broken is visible text as parts, in which what a cut has spoilt is set off.
    Binary bytes would be nothing but that, so no more than three are. */
export function broken(text) {
  const parts = visible(text).split(/(\ufffd+)/);
  const rest = parts.splice(7).join('');
  return [...parts.map((part, i) => (i % 2 === 0 ? part : ['u', part])), rest].filter((part) => part !== '');
}

/** amount is a number of bytes in few characters, exact as long as it is short. */
export function amount(bytes) {
  if (bytes < 1e4) return `${count(bytes)} B`;
  if (bytes < 999500) return `${(bytes / 1e3).toFixed(bytes < 99950 ? 1 : 0)} KB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** span is a time in µs, with its unit. */
export function span(µs) {
  if (µs >= 1e6) return `${(µs / 1e6).toFixed(2)} s`;
  if (µs >= 1e4) return `${(µs / 1e3).toFixed(0)} ms`;
  if (µs >= 1e3) return `${(µs / 1e3).toFixed(1)} ms`;
  return `${µs.toFixed(0)} µs`;
}
