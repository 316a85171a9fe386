// Types of porthole-net. They stand alone: @types/node is not needed, and what is
// declared here fits where a program uses it for Node's net.

/** A Buffer, as data comes: a Uint8Array with Node's methods. */
export interface Buffer extends Uint8Array {
  toString(encoding?: string, start?: number, end?: number): string;
  equals(other: Uint8Array): boolean;
  copy(target: Uint8Array, targetStart?: number, start?: number, end?: number): number;
  write(text: string, offset?: number, length?: number, encoding?: string): number;
  [method: string]: any;
}
export const Buffer: {
  from(data: string | ArrayBufferLike | ArrayLike<number>, encodingOrOffset?: string | number, length?: number): Buffer;
  alloc(size: number, fill?: string | number | Uint8Array, encoding?: string): Buffer;
  allocUnsafe(size: number): Buffer;
  concat(list: readonly Uint8Array[], totalLength?: number): Buffer;
  byteLength(text: string | ArrayBufferView | ArrayBufferLike, encoding?: string): number;
  isBuffer(value: unknown): value is Buffer;
  isEncoding(name: string): boolean;
};

export interface SystemError extends Error {
  code: string;
  errno?: number;
  syscall?: string;
  address?: string;
  port?: number;
  hostname?: string;
}

type Listener = (...args: any[]) => void;

interface Emitter<Events> {
  on<E extends keyof Events>(event: E, listener: (...args: Events[E] & any[]) => void): this;
  on(event: string | symbol, listener: Listener): this;
  once<E extends keyof Events>(event: E, listener: (...args: Events[E] & any[]) => void): this;
  once(event: string | symbol, listener: Listener): this;
  addListener(event: string | symbol, listener: Listener): this;
  prependListener(event: string | symbol, listener: Listener): this;
  off(event: string | symbol, listener: Listener): this;
  removeListener(event: string | symbol, listener: Listener): this;
  removeAllListeners(event?: string | symbol): this;
  emit(event: string | symbol, ...args: any[]): boolean;
  listeners(event: string | symbol): Listener[];
  listenerCount(event: string | symbol): number;
  setMaxListeners(n: number): this;
}

export interface AddressInfo {
  address: string;
  family: 'IPv4' | 'IPv6';
  port: number;
}

/** How a name is looked up: dns.lookup's shape. */
export type LookupFunction = (
  hostname: string,
  options: { family: number; hints: number; all?: boolean },
  done: (error: Error | null, address: string | { address: string; family: number }[], family?: number) => void,
) => void;

export interface OnReadOptions {
  buffer: Uint8Array | (() => Uint8Array);
  /** False pauses the socket. */
  callback(this: Socket, bytes: number, buffer: Uint8Array): boolean | void;
}

export interface SocketOptions {
  allowHalfOpen?: boolean;
  blockList?: BlockList;
  highWaterMark?: number;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
  noDelay?: boolean;
  onread?: OnReadOptions;
  signal?: AbortSignal;
  /** It is kept and told, and has no effect: the gateway sets none. */
  typeOfService?: number;
}

export interface TcpConnectOptions {
  port: number | string;
  host?: string;
  family?: number;
  hints?: number;
  lookup?: LookupFunction;
  autoSelectFamily?: boolean;
  autoSelectFamilyAttemptTimeout?: number;
  blockList?: BlockList;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
  noDelay?: boolean;
}

export interface IpcConnectOptions {
  path: string;
}

export type ConnectOptions = (TcpConnectOptions | IpcConnectOptions) & SocketOptions & { timeout?: number };

interface SocketEvents {
  close: [hadError: boolean];
  connect: [];
  connectionAttempt: [ip: string, port: number, family: number];
  connectionAttemptFailed: [ip: string, port: number, family: number, error: Error];
  connectionAttemptTimeout: [ip: string, port: number, family: number];
  data: [data: any];
  drain: [];
  end: [];
  error: [error: Error];
  finish: [];
  lookup: [error: Error | null, address: string, family: number, host: string];
  pause: [];
  readable: [];
  ready: [];
  resume: [];
  timeout: [];
}

export interface Socket extends Emitter<SocketEvents>, AsyncIterable<any> {
  readonly autoSelectFamilyAttemptedAddresses?: string[];
  readonly bufferSize: number | undefined;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly closed: boolean;
  readonly connecting: boolean;
  readonly destroyed: boolean;
  readonly errored: Error | null;
  readonly localAddress?: string;
  readonly localFamily?: string;
  readonly localPort?: number;
  readonly pending: boolean;
  readonly readable: boolean;
  readonly readableEnded: boolean;
  readonly readableFlowing: boolean | null;
  readonly readableHighWaterMark: number;
  readonly readableLength: number;
  readonly readyState: 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed';
  readonly remoteAddress?: string;
  readonly remoteFamily?: string;
  readonly remotePort?: number;
  readonly server: Server | null;
  readonly timeout?: number;
  readonly writable: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  readonly writableHighWaterMark: number;
  readonly writableLength: number;
  readonly writableNeedDrain: boolean;
  allowHalfOpen: boolean;

  address(): AddressInfo | {};
  connect(options: ConnectOptions, connectListener?: () => void): this;
  connect(port: number | string, host: string, connectListener?: () => void): this;
  connect(port: number | string, connectListener?: () => void): this;
  connect(path: string, connectListener?: () => void): this;
  cork(): void;
  destroy(error?: Error): this;
  destroySoon(): void;
  end(callback?: () => void): this;
  end(data: string | Uint8Array, callback?: () => void): this;
  end(data: string | Uint8Array, encoding?: string, callback?: () => void): this;
  getTypeOfService(): number;
  isPaused(): boolean;
  pause(): this;
  pipe<T>(destination: T, options?: { end?: boolean }): T;
  read(size?: number): any;
  ref(): this;
  resetAndDestroy(): this;
  resume(): this;
  setDefaultEncoding(encoding: string): this;
  setEncoding(encoding?: string): this;
  setKeepAlive(enable?: boolean, initialDelay?: number): this;
  setKeepAlive(options: { enable?: boolean; initialDelay?: number }): this;
  setNoDelay(noDelay?: boolean): this;
  setTimeout(timeout: number, callback?: () => void): this;
  setTypeOfService(tos: number): this;
  uncork(): void;
  unpipe(destination?: any): this;
  unref(): this;
  unshift(chunk: string | Uint8Array, encoding?: string): void;
  /** The callback comes once the kernel at the gateway has taken the bytes. */
  write(data: string | Uint8Array, callback?: (error?: Error | null) => void): boolean;
  write(data: string | Uint8Array, encoding?: string, callback?: (error?: Error | null) => void): boolean;
}
export const Socket: { new (options?: SocketOptions): Socket; (options?: SocketOptions): Socket; prototype: Socket };
export const Stream: typeof Socket;

export interface ServerOptions {
  allowHalfOpen?: boolean;
  blockList?: BlockList;
  highWaterMark?: number;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
  noDelay?: boolean;
  pauseOnConnect?: boolean;
}

export interface ListenOptions {
  port?: number | string | null;
  host?: string;
  ipv6Only?: boolean;
  signal?: AbortSignal;
  /** Without effect: the gateway's system has its own. */
  backlog?: number;
  /** Without effect: a page has no cluster. */
  exclusive?: boolean;
}

export interface DropArgument {
  localAddress?: string;
  localFamily?: string;
  localPort?: number;
  remoteAddress?: string;
  remoteFamily?: string;
  remotePort?: number;
}

interface ServerEvents {
  close: [];
  connection: [socket: Socket];
  drop: [data?: DropArgument];
  error: [error: Error];
  listening: [];
}

export interface Server extends Emitter<ServerEvents> {
  readonly listening: boolean;
  maxConnections?: number | null;
  /** Without effect: a page has no cluster. */
  dropMaxConnection?: boolean;
  address(): AddressInfo | null;
  close(callback?: (error?: Error) => void): this;
  getConnections(callback: (error: Error | null, count: number) => void): this;
  listen(port?: number | string | null, host?: string, backlog?: number, callback?: () => void): this;
  listen(port?: number | string | null, host?: string, callback?: () => void): this;
  listen(port?: number | string | null, backlog?: number, callback?: () => void): this;
  listen(port?: number | string | null, callback?: () => void): this;
  listen(options: ListenOptions, callback?: () => void): this;
  listen(callback: () => void): this;
  ref(): this;
  unref(): this;
}
type ServerMaker<R> = {
  (connectionListener?: (socket: Socket) => void): R;
  (options?: ServerOptions, connectionListener?: (socket: Socket) => void): R;
};
export const Server: ServerMaker<Server> & {
  new (connectionListener?: (socket: Socket) => void): Server;
  new (options?: ServerOptions, connectionListener?: (socket: Socket) => void): Server;
  prototype: Server;
};
export const createServer: ServerMaker<Server>;

export function createConnection(options: ConnectOptions, connectListener?: () => void): Socket;
export function createConnection(port: number | string, host?: string, connectListener?: () => void): Socket;
export function createConnection(port: number | string, connectListener?: () => void): Socket;
export const connect: typeof createConnection;

export function isIP(input: unknown): 0 | 4 | 6;
export function isIPv4(input: unknown): boolean;
export function isIPv6(input: unknown): boolean;
export function getDefaultAutoSelectFamily(): boolean;
export function setDefaultAutoSelectFamily(value: boolean): void;
export function getDefaultAutoSelectFamilyAttemptTimeout(): number;
export function setDefaultAutoSelectFamilyAttemptTimeout(value: number): void;

type IPVersion = 'ipv4' | 'ipv6';

export class SocketAddress {
  constructor(options?: { address?: string; family?: IPVersion; flowlabel?: number; port?: number });
  readonly address: string;
  readonly family: IPVersion;
  readonly flowlabel: number;
  readonly port: number;
  toJSON(): { address: string; family: IPVersion; flowlabel: number; port: number };
  static isSocketAddress(value: unknown): value is SocketAddress;
  static parse(input: string): SocketAddress | undefined;
}

export class BlockList {
  readonly rules: readonly string[];
  addAddress(address: string | SocketAddress, type?: IPVersion): void;
  addRange(start: string | SocketAddress, end: string | SocketAddress, type?: IPVersion): void;
  addSubnet(net: string | SocketAddress, prefix: number, type?: IPVersion): void;
  check(address: string | SocketAddress, type?: IPVersion): boolean;
  fromJSON(data: string | readonly string[]): void;
  toJSON(): readonly string[];
  static isBlockList(value: unknown): value is BlockList;
}

/** It would bind before it returns, which a page cannot: its constructor throws. */
export class BoundSocket {
  constructor(options?: object);
}

/** What of a WebSocket the package uses. */
export interface WebSocketLike {
  binaryType: string;
  addEventListener(event: 'open' | 'message' | 'close' | 'error', listener: (event: any) => void): void;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
}

/** Says where the gateway is. It holds for the next session: call it first. */
export function configure(options: {
  /** ws: or wss:, or relative to the page. "ws" beside the page unless given. */
  url?: string;
  /** What else to offer as subprotocols, such as a ticket. */
  protocols?: string | string[];
  WebSocket?: new (url: string, protocols: string[]) => WebSocketLike;
}): void;

/** Resolves once the gateway has answered; with listen, once address() can answer in
    the same turn as listen(0). */
export function ready(options?: { listen?: boolean }): Promise<void>;

/** Ends the session, and all sockets and servers with it. A server that has only lost
    its gateway goes on listening, through the next one. */
export function disconnect(): void;

/** A socket of WinterTC's Sockets API. */
export interface StreamSocket {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
  readonly opened: Promise<{ localAddress: string; remoteAddress: string }>;
  readonly closed: Promise<void>;
  readonly secureTransport: 'off';
  readonly upgraded: false;
  close(): Promise<void>;
  startTls(): never;
}

export const sockets: {
  connect(
    address: string | { hostname: string; port: number },
    options?: { secureTransport?: 'off'; allowHalfOpen?: boolean },
  ): StreamSocket;
};

export interface TCPSocketOpenInfo {
  readable: ReadableStream<Uint8Array>;
  writable: WritableStream<ArrayBuffer | ArrayBufferView>;
  remoteAddress: string;
  remotePort: number;
  localAddress: string;
  localPort: number;
}

/** A socket in the shape of Direct Sockets. */
export class TCPSocket {
  constructor(remoteAddress: string, remotePort: number, options?: { noDelay?: boolean; keepAliveDelay?: number; dnsQueryType?: IPVersion });
  readonly opened: Promise<TCPSocketOpenInfo>;
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** A server in the shape of Direct Sockets. */
export class TCPServerSocket {
  constructor(localAddress: string, options?: { localPort?: number; backlog?: number; ipv6Only?: boolean });
  readonly opened: Promise<{ readable: ReadableStream<TCPSocket>; localAddress: string; localPort: number }>;
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

declare const net: {
  BlockList: typeof BlockList;
  BoundSocket: typeof BoundSocket;
  Buffer: typeof Buffer;
  Server: typeof Server;
  Socket: typeof Socket;
  SocketAddress: typeof SocketAddress;
  Stream: typeof Stream;
  TCPServerSocket: typeof TCPServerSocket;
  TCPSocket: typeof TCPSocket;
  configure: typeof configure;
  connect: typeof connect;
  createConnection: typeof createConnection;
  createServer: typeof createServer;
  disconnect: typeof disconnect;
  getDefaultAutoSelectFamily: typeof getDefaultAutoSelectFamily;
  getDefaultAutoSelectFamilyAttemptTimeout: typeof getDefaultAutoSelectFamilyAttemptTimeout;
  isIP: typeof isIP;
  isIPv4: typeof isIPv4;
  isIPv6: typeof isIPv6;
  ready: typeof ready;
  setDefaultAutoSelectFamily: typeof setDefaultAutoSelectFamily;
  setDefaultAutoSelectFamilyAttemptTimeout: typeof setDefaultAutoSelectFamilyAttemptTimeout;
  sockets: typeof sockets;
};
export default net;
