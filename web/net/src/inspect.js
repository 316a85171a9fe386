// A function without a name, or a symbol, where something else should be: for these
// readable-stream has no words, and would fail itself.
import util from 'readable-stream/lib/ours/util/inspect.js';

const { inspect } = util;
util.inspect = (value) => inspect(value) ?? String(value);
