// What every part that draws needs. Most of a frame is as it was in the one
// before, and what is not written again is not laid out again.

export const get = (id) => document.getElementById(id);

/** element makes an element with a class and with attributes. */
export function element(tag, className, attributes = {}) {
  const e = document.createElement(tag);
  e.className = className;
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  return e;
}

/** put makes text the content of e, which is an element of text or a text. What
    it was is noted, as to ask for it makes a string; and a text that changes
    costs less than one that is replaced. */
export function put(e, text) {
  if (e.said === text) return;
  e.said = text;
  const only = e.firstChild;
  if (only !== null && text !== '' && only === e.lastChild && only.nodeType === Node.TEXT_NODE) only.data = text;
  else e.textContent = text;
}

/** dress makes name the class of e. */
export function dress(e, name) {
  if (e.className !== name) e.className = name;
}

/** mark sets an attribute of e. */
export function mark(e, name, value) {
  const text = String(value);
  if (e.getAttribute(name) !== text) e.setAttribute(name, text);
}

/** hide hides e, or shows it. */
export function hide(e, on) {
  if (e.hidden !== on) e.hidden = on;
}

/** equal tells whether two objects of like shape hold the same. */
export function equal(a, b) {
  for (const k in a) if (a[k] !== b[k]) return false;
  return true;
}

const figures = new Intl.NumberFormat('en');

/** count is a number as it is read in both languages. The browser's own way is
    a tenth of what a busy frame costs. */
export function count(n) {
  if (!Number.isInteger(n) || n < 0) return figures.format(n);
  let text = String(n);
  for (let i = text.length - 3; i > 0; i -= 3) text = `${text.slice(0, i)},${text.slice(i)}`;
  return text;
}

/** size is a number of bytes, in few characters. */
export function size(bytes) {
  if (bytes < 1e6) return `${count(bytes)} B`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
