// libcurl.js: curl in wasm, which has all its TCP from Wisp. It is for pages alone.
import { libcurl } from 'libcurl.js/bundled';

export async function run({ url, site, nobody }, say) {
  await libcurl.load_wasm();
  libcurl.set_websocket(url);
  const page = await libcurl.fetch(`${site}/哇咔咔`);
  say(`${page.status} ${await page.text()}`);
  const all = await Promise.all([1, 2, 3].map(async () => {
    const big = await libcurl.fetch(`${site}/big`);
    return (await big.arrayBuffer()).byteLength;
  }));
  say(`down ${all}`);
  const sent = await libcurl.fetch(`${site}/count`, { method: 'POST', body: new Uint8Array(1 << 20) });
  say(`up ${await sent.text()}`);
  await libcurl.fetch(`${nobody}/`).catch(() => say('refused'));
}
