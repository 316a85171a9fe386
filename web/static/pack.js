// What an address can hold: bytes, deflated, in the letters that it may have.

/** LONGEST is how many characters a link may have; longer ones get lost on their way. */
export const LONGEST = 8000;
/** INFLATED is how many bytes a link may unfold to: few letters can say very many. */
export const INFLATED = 4 << 20;

/** parts are what the page's address holds: name=value, each. */
export const parts = () => location.hash.slice(1).split('&').filter((part) => part !== '');

/** TooMuch is what a bomb meets. */
export class TooMuch extends Error {}

// pass sends bytes through a stream, and throws if more than most come out.
async function pass(bytes, through, most) {
  const chunks = [];
  let size = 0;
  for (const reader = new Blob([bytes]).stream().pipeThrough(through).getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.length;
    if (size <= most) continue;
    reader.cancel().catch(() => {});
    throw new TooMuch();
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

function base64url(bytes) {
  let binary = '';
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

const fromBase64url = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));

/** pack makes bytes letters. */
export const pack = async (bytes) => base64url(await pass(bytes, new CompressionStream('deflate-raw'), INFLATED));

/** unpack makes them bytes again, no more than a link may hold. */
export const unpack = (text) => pass(fromBase64url(text), new DecompressionStream('deflate-raw'), INFLATED);

/** copy puts a text where the visitor can paste it from, if that may be done. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { // not allowed, or not over https
    return false;
  }
}
