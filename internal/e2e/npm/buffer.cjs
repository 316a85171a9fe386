// What bundlers have for Node's buffer, with the limits and the methods of Node's own
// that it lacks.
const buffer = require('./node_modules/node-stdlib-browser/node_modules/buffer/');

for (const encoding of ['ascii', 'base64', 'hex', 'latin1', 'ucs2', 'utf8']) {
  buffer.Buffer.prototype[`${encoding}Slice`] = function slice(from, to) { return this.toString(encoding, from, to); };
  buffer.Buffer.prototype[`${encoding}Write`] = function write(text, at = 0, most = this.length - at) { return this.write(text, at, most, encoding); };
}

module.exports = { ...buffer, constants: { MAX_LENGTH: 2 ** 31 - 1, MAX_STRING_LENGTH: 2 ** 29 - 24 } };
