// Neon's serverless driver, over its own protocol.
import { Client, Pool, neonConfig } from '@neondatabase/serverless';

export async function run({ host, port, password, dialect }, say) {
  neonConfig.webSocketConstructor ??= globalThis.WebSocket ?? (await import('ws')).default;
  neonConfig.wsProxy = () => `${dialect}/v2?address=${host}:${port}`;
  neonConfig.useSecureWebSocket = false;
  neonConfig.pipelineTLS = false;
  neonConfig.forceDisablePgSSL = true;
  for (const pipeline of ['password', false]) {
    neonConfig.pipelineConnect = pipeline;
    const to = { host, port, user: 'porthole', password, database: 'postgres' };
    const client = new Client(to);
    await client.connect();
    await client.query('begin');
    await client.query('create temporary table words (n int primary key, word text)');
    await client.query("insert into words select n, '哇咔咔' || n from generate_series(1, $1) n", [10_000]);
    await client.query('commit');
    const { rows } = await client.query('select word from words order by n');
    say(`rows ${rows.length} ${rows.at(-1).word}`);
    await client.query('begin');
    await client.query('delete from words');
    await client.query('rollback');
    say(`kept ${(await client.query('select count(*)::int as n from words')).rows[0].n}`);
    const dropped = new Promise(resolve => { client.on('error', resolve); });
    const other = new Pool({ ...to, max: 1 });
    await other.query('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename = $1', ['porthole']);
    say(`dropped ${(await dropped) instanceof Error}`);
    await other.end();
  }
  neonConfig.wsProxy = () => `${dialect}/v2?address=${host}:1`;
  await new Client({ host, port: 1, user: 'porthole', password }).connect().then(() => say('connected'), () => say('refused'));
}
