// ioredis, over net alone.
import Redis from 'ioredis';

export async function run({ host, port }, say) {
  const redis = new Redis({ host, port, retryStrategy: null });
  await redis.set('porthole:npm', '你好哇咔咔');
  say(`GET ${await redis.get('porthole:npm')}`);
  const pipeline = redis.pipeline().del('porthole:count');
  for (let i = 0; i < 1000; i++) pipeline.incr('porthole:count');
  const counted = await pipeline.exec();
  say(`INCR ${counted.at(-1)[1]}`);
  const big = 'x'.repeat(3 << 20); // more than a window
  await redis.set('porthole:big', big);
  say(`GET ${(await redis.get('porthole:big')).length}`);
  const other = redis.duplicate();
  const heard = new Promise((done) => { other.on('message', (channel, text) => done(text)); });
  await other.subscribe('porthole:news');
  await redis.publish('porthole:news', '哇咔咔');
  say(`message ${await heard}`);
  await Promise.all([redis.quit(), other.quit()]);
  const nobody = new Redis({ host, port: 1, retryStrategy: null, lazyConnect: true });
  nobody.on('error', ({ code }) => { say(`error ${code}`); });
  await nobody.connect().catch(() => {});
}
