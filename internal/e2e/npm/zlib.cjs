// What bundlers have for Node's zlib, with the numbers where Node has them.
const zlib = require('./node_modules/browserify-zlib/');

module.exports = { ...zlib, constants: { ...zlib, DEFLATE: 1, INFLATE: 2 } };
