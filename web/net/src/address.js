import validators from 'readable-stream/lib/internal/validators.js';
import { validatePort } from './dial.js';
import { codes } from './errors.js';
import { canonical, isIP, value } from './ip.js';

const { validateInt32, validateObject, validateOneOf, validateString, validateUint32 } = validators;

/** family checks the name of one, in any case of letters. */
function family(name, what) {
  validateString(name, what);
  const lower = name.toLowerCase();
  validateOneOf(lower, what, ['ipv4', 'ipv6']);
  return lower;
}

/** SocketAddress is an address with its port, and never changes. */
export class SocketAddress {
  #is;

  constructor(options = {}) {
    validateObject(options, 'options');
    const kind = family(options.family ?? 'ipv4', 'options.family');
    const { address = kind === 'ipv4' ? '127.0.0.1' : '::', port = 0, flowlabel = 0 } = options;
    validateString(address, 'options.address');
    validateUint32(flowlabel, 'options.flowlabel');
    const checked = validatePort(port, 'options.port');
    if (`ipv${isIP(address)}` !== kind) throw new codes.ERR_INVALID_ADDRESS();
    this.#is = { address: canonical(address), port: checked, family: kind, flowlabel: kind === 'ipv6' ? flowlabel : 0 };
  }

  get address() { return this.#is.address; }
  get port() { return this.#is.port; }
  get family() { return this.#is.family; }
  get flowlabel() { return this.#is.flowlabel; }

  toJSON() {
    return { ...this.#is };
  }

  static isSocketAddress(what) {
    return typeof what === 'object' && what !== null && #is in what;
  }

  /** parse reads an address with a port, or without, or gives undefined. */
  static parse(input) {
    validateString(input, 'input');
    const [, v6, bare, port = '0'] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(input) ?? [];
    const address = v6 ?? bare;
    if (isIP(address) !== (v6 === undefined ? 4 : 6) || Number(port) > 65535) return undefined;
    return new SocketAddress({ address, port: Number(port), family: `ipv${isIP(address)}` });
  }
}

const shown = { ipv4: 'IPv4', ipv6: 'IPv6' };

/** BlockList tells which addresses are not to be used. An IPv4 address matches in
    its IPv6 form too. */
export class BlockList {
  #rules = []; // the newest first

  static isBlockList(what) {
    return typeof what === 'object' && what !== null && #rules in what;
  }

  #address(address, kind, name) {
    if (SocketAddress.isSocketAddress(address)) return address;
    validateString(address, name);
    return new SocketAddress({ address, family: family(kind, 'family') });
  }

  #add(text, first, last) {
    this.#rules.unshift({ text, first, last });
  }

  addAddress(address, kind = 'ipv4') {
    const a = this.#address(address, kind, 'address');
    this.#add(`Address: ${shown[a.family]} ${a.address}`, value(a.address), value(a.address));
  }

  addRange(start, end, kind = 'ipv4') {
    const a = this.#address(start, kind, 'start');
    const b = this.#address(end, kind, 'end');
    if (value(a.address) > value(b.address)) throw new codes.ERR_INVALID_ARG_VALUE('start', start, 'must come before end');
    this.#add(`Range: ${shown[a.family]} ${a.address}-${b.address}`, value(a.address), value(b.address));
  }

  addSubnet(network, prefix, kind = 'ipv4') {
    const a = this.#address(network, kind, 'network');
    const bits = a.family === 'ipv4' ? 32 : 128;
    validateInt32(prefix, 'prefix', 0, bits);
    const size = 1n << BigInt(bits - prefix);
    const first = value(a.address) / size * size;
    this.#add(`Subnet: ${shown[a.family]} ${a.address}/${prefix}`, first, first + size - 1n);
  }

  check(address, kind = 'ipv4') {
    if (!SocketAddress.isSocketAddress(address)) {
      validateString(address, 'address');
      if (`ipv${isIP(address)}` !== family(kind, 'family')) return false;
    }
    const v = value(address.address ?? address);
    return this.#rules.some(({ first, last }) => first <= v && v <= last);
  }

  get rules() {
    return this.#rules.map(({ text }) => text);
  }

  toJSON() {
    return this.rules;
  }

  /** fromJSON adds what rules or toJSON gave. */
  fromJSON(data) {
    const rules = typeof data === 'string' ? JSON.parse(data) : data;
    if (!Array.isArray(rules)) throw new codes.ERR_INVALID_ARG_TYPE('data', ['string', 'string[]'], data);
    for (const rule of rules) {
      validateString(rule, 'rule');
      const [, what, kind, a, b] = /^(Address|Range|Subnet): (IPv[46]) ([^-/]+)[-/]?(.*)$/.exec(rule) ?? [];
      if (what === 'Address') this.addAddress(a, kind);
      else if (what === 'Range') this.addRange(a, b, kind);
      else if (what === 'Subnet') this.addSubnet(a, Number(b), kind);
      else throw new codes.ERR_INVALID_ARG_VALUE('data', data);
    }
  }
}
