// Every platform of today has these.
export const { AbortController, AbortSignal } = globalThis;
