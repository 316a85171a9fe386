// The driver of Neon, over a gateway in place of Neon's proxy, in Node and in a page.
import { Client, Pool, neonConfig } from '@neondatabase/serverless';

const WebSocket = globalThis.WebSocket ?? (await import('ws')).default; // Node 20 has none

export async function run({ gateway, host, port, scram, rude, nobody, user, password }, say) {
  let closed; // how the newest WebSocket was
  neonConfig.webSocketConstructor = class extends WebSocket {
    constructor(url) {
      super(url);
      closed = new Promise((done) => {
        this.addEventListener('close', ({ code, reason }) => { done(`${code} ${reason}`.trim()); });
      });
    }
  };
  neonConfig.wsProxy = `${gateway}/v1`;
  neonConfig.useSecureWebSocket = false;
  neonConfig.disableWarningInBrowsers = true;
  const to = { host, port, user, password, database: 'postgres' };

  // Start-up, password and first query go out at once.
  const client = new Client(to);
  client.on('error', () => {}); // its end
  const first = client.query('select $1 || $2 word, pg_backend_pid() pid', ['你好', '哇咔咔']);
  await client.connect();
  const { rows: [{ word, pid }] } = await first;
  say(`${neonConfig.pipelineConnect} ${word}`);
  await client.query('drop table if exists words');
  await client.query('create table words (n int primary key, word text)');
  await client.query("insert into words select n, '哇咔咔' || n from generate_series(1, $1) n", [10_000]);
  const { rows } = await client.query('select word from words order by n');
  say(`rows ${rows.length} ${rows.at(-1).word}`);
  const big = 'x'.repeat(3 << 20);
  say(`bytes ${(await client.query('select $1::text big', [big])).rows[0].big === big}`);
  await client.query('select 1/0').catch(({ code }) => { say(`error ${code}`); });

  const pool = new Pool({ ...to, max: 4 });
  const count = async () => (await pool.query('select count(*)::int n from words')).rows[0].n;
  for (const end of ['rollback', 'commit']) {
    await client.query('begin');
    await client.query('insert into words values (0, $1)', ['你好']);
    const within = await count();
    await client.query(end);
    say(`${end} ${within} ${await count()}`);
  }
  const all = await Promise.all(Array.from({ length: 20 }, (_, n) => pool.query('select $1::int n', [n])));
  say(`pool ${all.reduce((sum, { rows: [{ n }] }) => sum + n, 0)}`);

  // The server is dropped in the middle of a query, saying so, and without a word.
  const waiting = client.query('select pg_sleep(600)').catch(({ code }) => code);
  await pool.query('select pg_terminate_backend($1)', [pid]);
  say(`dropped ${await waiting}, and ${await client.query('select 1').then(() => 'lives', () => 'ended')}`);
  await pool.end();
  const fails = async (what, config) => {
    const failing = new Client({ ...to, ...config });
    failing.on('error', () => {});
    const said = ({ code, message }) => code ?? message;
    const query = failing.query('select 1').then(() => 'works', said);
    const error = await failing.connect().then(() => query, said); // in one go, it is the query that fails
    say(`${what} ${what === 'unlisted' ? 'fails' : error}, closed ${await closed}`); // a page learns no more of a refusal
  };
  await fails('rude', { port: rude });
  await fails('nobody', { port: nobody });
  await fails('unlisted', { host: 'unlisted.test' });
  await fails('wrong', { password: 'wrong' });

  // To where the gateway leads by default, as Neon's own proxy does.
  neonConfig.wsProxy = () => `${gateway}/v2`;
  const other = new Client({ ...to, host: 'unlisted.test' });
  await other.connect();
  say(`default ${(await other.query("select '你好' word")).rows[0].word}`);
  await other.end();
  say(`closed ${await closed}`);

  // A password that is not sent in the clear is asked for first.
  neonConfig.wsProxy = `${gateway}/v1`;
  neonConfig.pipelineConnect = false;
  const safe = new Client({ ...to, port: scram });
  await safe.connect();
  say(`scram ${(await safe.query("select '哇咔咔' word")).rows[0].word}`);
  await safe.end();
  await fails('wrong', { port: scram, password: 'wrong' });
}
