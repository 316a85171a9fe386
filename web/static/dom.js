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

/** put makes text the content of e. */
export function put(e, text) {
  if (e.textContent !== text) e.textContent = text;
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

const figures = new Intl.NumberFormat('en');

/** count is a number as it is read in both languages. */
export const count = (n) => figures.format(n);

/** size is a number of bytes, in few characters. */
export function size(bytes) {
  if (bytes < 1e6) return `${count(bytes)} B`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
