// All tests that a page and Node share.
import './address.test.js';
import './connect.test.js';
import './ends.test.js';
import './server.test.js';
import './listen.test.js';
import './socket.test.js';
import './write.test.js';
