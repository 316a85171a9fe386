// mqtt over a socket. In a browser it would choose a WebSocket by itself: it is
// given the stream, as its documentation has it.
import mqtt from 'mqtt';
import net from 'net';

export async function run({ host, port }, say) {
  const dial = () => new mqtt.MqttClient(() => net.connect(port, host), { clientId: `porthole-${Math.random()}`, reconnectPeriod: 0 });
  const [hears, tells] = [dial(), dial()];
  const event = (client, name) => new Promise((done, fail) => { client.once(name, (...args) => done(args)).once('error', fail); });
  await Promise.all([event(hears, 'connect'), event(tells, 'connect')]);
  await hears.subscribeAsync('porthole/+', { qos: 2 });
  for (const qos of [0, 1, 2]) {
    const heard = event(hears, 'message');
    await tells.publishAsync('porthole/news', `哇咔咔${qos}`, { qos });
    const [topic, text] = await heard;
    say(`${topic} ${text}`);
  }
  await Promise.all([hears.endAsync(), tells.endAsync()]);
}
