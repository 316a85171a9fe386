// Buffer is Node's where there is one, so that a program sees one kind of it.
import bundled from '../node_modules/buffer/index.js';

export const Buffer = globalThis.Buffer ?? bundled.Buffer;
export const { Blob } = globalThis;
export default { Buffer, Blob };
