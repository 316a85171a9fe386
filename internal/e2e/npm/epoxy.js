// epoxy: a client in Rust, compiled to wasm. It is for pages alone.
import load, { EpoxyClient, EpoxyClientOptions } from '@mercuryworkshop/epoxy-tls/epoxy-bundled';

export async function run({ url, site, echo }, say) {
  await load();
  for (const v2 of [true, false]) {
    const options = new EpoxyClientOptions();
    options.wisp_v2 = v2;
    options.udp_extension_required = false;
    const client = new EpoxyClient(url, options);
    const page = await client.fetch(`${site}/page`, {});
    say(`v${v2 ? 2 : 1} ${page.status} ${await page.text()}`);

    const { read, write } = await client.connect_tcp(echo);
    const data = new Uint8Array(3 << 20).map((_, i) => (i * 7919) >> 5);
    const reader = read.getReader();
    const back = (async () => {
      for (let at = 0; at < data.length;) {
        const { value, done } = await reader.read();
        if (done || value.some((b, i) => b !== data[at + i])) return `other than sent, from ${at}`;
        at += value.length;
      }
      return 'as sent';
    })();
    const writer = write.getWriter();
    for (let at = 0; at < data.length; at += 100000) await writer.write(data.slice(at, at + 100000));
    say(await back);
    const gone = await client.connect_tcp('127.0.0.1:1');
    await gone.read.getReader().read().then(({ done }) => say(done ? 'ended' : 'bytes'), (error) => say(`${error}`));
  }
}
