// pg, over net alone.
import pg from 'pg';

export async function run({ host, port, password }, say) {
  const to = { host, port, user: 'porthole', password, database: 'postgres' };
  const client = new pg.Client(to);
  await client.connect();
  await client.query('begin');
  await client.query('create temporary table words (n int primary key, word text)');
  await client.query("insert into words select n, '哇咔咔' || n from generate_series(1, $1) n", [10_000]);
  await client.query('commit');
  const { rows } = await client.query('select word from words order by n');
  say(`rows ${rows.length} ${rows.at(-1).word}`);
  await client.query('select 1/0').catch(({ code }) => { say(`error ${code}`); });
  await client.end();
  const pool = new pg.Pool({ ...to, max: 4 });
  const all = await Promise.all(Array.from({ length: 20 }, (_, n) => pool.query('select $1::int as n', [n])));
  say(`pool ${all.reduce((sum, { rows: [{ n }] }) => sum + n, 0)}`);
  await pool.end();
  await new pg.Client({ ...to, password: 'wrong' }).connect().catch(({ code }) => { say(`error ${code}`); });
}
