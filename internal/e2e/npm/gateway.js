// Which gateway the page uses.
import './globals.js';
import net from 'net';

net.configure({ url: globalThis.gateway });
