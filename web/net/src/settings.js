import validators from 'readable-stream/lib/internal/validators.js';
import { codes } from './errors.js';

const { validateFunction, validateInt32, validateNumber } = validators;

const kTimer = Symbol('timer');
const kActive = Symbol('time of the last byte');
const maxTimeout = 2 ** 31 - 1; // ms

/** seconds are what the kernel takes, of the milliseconds that a program gives. */
export function seconds(ms = 0) {
  return Math.max(0, Math.trunc(ms / 1000));
}

/** settings are a Socket's methods that set how its connection behaves. */
export const settings = {
  /** setOptions tells a handle what was asked for before there was one. */
  _setOptions() {
    const { noDelay, keepAlive, delay } = this._options;
    if (noDelay) this._handle.setNoDelay?.(true);
    if (keepAlive) this._handle.setKeepAlive?.(true, delay);
  },

  setTimeout(ms, cb) {
    if (this.destroyed) return this;
    validateNumber(ms, 'msecs');
    if (ms < 0 || !Number.isFinite(ms)) throw new codes.ERR_OUT_OF_RANGE('msecs', 'a non-negative finite number', ms);
    if (cb !== undefined) validateFunction(cb, 'callback');
    this.timeout = Math.min(ms, maxTimeout);
    this._endTimer();
    if (this.timeout === 0) {
      if (cb) this.removeListener('timeout', cb);
    } else {
      if (cb) this.once('timeout', cb);
      this[kActive] = performance.now();
      this._await(this.timeout);
    }
    return this;
  },

  /** await waits for the time to be over. A byte does not start a timer anew, which
      costs: when it ends it is seen whether there was one. */
  _await(ms) {
    this[kTimer] = setTimeout(() => {
      const left = this[kActive] + this.timeout - performance.now();
      if (left > 0) {
        this._await(left);
      } else {
        this[kTimer] = null;
        this._onTimeout();
      }
    }, ms);
    this[kTimer].unref?.();
  },

  _endTimer() {
    clearTimeout(this[kTimer]);
    this[kTimer] = null;
  },

  _onTimeout() {
    this.emit('timeout');
  },

  /** unrefTimer notes that something happened. */
  _unrefTimer() {
    if (!this.timeout) return;
    this[kActive] = performance.now();
    if (!this[kTimer] && !this.destroyed) this._await(this.timeout);
  },

  setNoDelay(on = true) {
    const noDelay = Boolean(on);
    if (noDelay === this._options.noDelay) return this;
    this._options.noDelay = noDelay;
    this._handle?.setNoDelay?.(noDelay);
    return this;
  },

  setKeepAlive(enable, initialDelay = 0) {
    const asked = typeof enable === 'object' && enable !== null ? enable : { enable, initialDelay };
    const keepAlive = Boolean(asked.enable);
    const delay = seconds(asked.initialDelay);
    const { _options: is, _handle: handle } = this;
    if (keepAlive === is.keepAlive && (!keepAlive || delay === is.delay)) return this;
    Object.assign(is, { keepAlive, delay });
    handle?.setKeepAlive?.(keepAlive, delay);
    return this;
  },

  setTypeOfService(tos) {
    validateInt32(tos, 'tos', 0, 255);
    this._options.tos = tos;
    return this;
  },

  getTypeOfService() {
    return this._options.tos;
  },

  ref() {
    this._handle?.ref();
    return this;
  },

  unref() {
    this._handle?.unref();
    return this;
  },
};
