// What a page has more than Node.
import './gateway.test.js';
import './regain.test.js';
import './streams.test.js';
