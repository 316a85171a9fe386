// What bundlers have for Node's crypto, with two functions that it lacks.
const crypto = require('./node_modules/crypto-browserify/');

module.exports = {
  ...crypto,
  getCurves: () => ['prime256v1', 'secp384r1', 'secp521r1'],
  timingSafeEqual: (a, b) => a.length === b.length && a.reduce((differ, byte, i) => differ | (byte ^ b[i]), 0) === 0,
};
