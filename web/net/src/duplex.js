// Of readable-stream only what a socket is: all of it would be a tenth more.
import Duplex from 'readable-stream/lib/internal/streams/duplex.js';
import legacy from 'readable-stream/lib/internal/streams/legacy.js';
import { Buffer } from './buffer.js';

// Its own main file would say so.
legacy.Stream._isUint8Array = (value) => value instanceof Uint8Array;
legacy.Stream._uint8ArrayToBuffer = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export default Duplex;
