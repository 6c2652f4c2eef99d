// Talkers on both nodes send numbered messages with QoS 1 to a listener on the second, while the first node dies: whoever was there connects
// again, to the other one. Prints "playing" once all talk, reads "ended" when the node is dead, and prints what was acknowledged and heard.
import { createInterface } from 'node:readline';
import mqtt from 'mqtt';
import { Client, connect, options, transports, unique } from './client.js';

const talkers = 6; // half of them on each node
const before = 20; // messages of each, before the node dies
const after = 40; // all messages of each

const ends = [];
const t = { after: (end) => ends.push(end) };
const [via] = transports;
const listener = await connect(t, via, unique('listener'), { node: 1 });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function talker(i) {
  const user = unique(`talker-${i}`);
  const o = options(user);
  let home = i % 2;
  // Clients whose node is gone come to another one, as behind a balancer.
  const link = mqtt.connect(via.url(home), { ...o, transformWsUrl: () => via.url(home), queueQoSZero: true });
  link.on('error', () => {}); // of connecting in vain
  link.on('offline', () => { home = 1; });
  t.after(() => link.endAsync(true));
  await new Promise((resolve) => { link.once('connect', resolve); });
  return { client: new Client(user, link, o.clientId), acknowledged: [] };
}

async function talk({ client, acknowledged }, from, to) {
  for (let n = from; n < to; n++) {
    const text = `${client.user} ${n}`;
    await client.say(listener.user, { text, attributes: { message_key: text } }, 1);
    acknowledged.push(text);
  }
}

const all = await Promise.all(Array.from({ length: talkers }, (_, i) => talker(i)));
await Promise.all(all.map((one) => talk(one, 0, before)));
const rest = Promise.all(all.map((one) => talk(one, before, after)));
console.log('playing');
await lines.next();
await rest;
const heard = [];
for (const { client } of all) {
  for (let n = 0; n < after; n++) heard.push((await listener.hear(`messages/${client.user}/clientadded`)).text);
}
console.log(JSON.stringify({
  listener: listener.user,
  talkers: all.map(({ client, acknowledged }) => ({ user: client.user, acknowledged })),
  heard,
  unexpected: listener.heard.map(({ body }) => body.text),
}));
for (const end of ends) await end();
process.exit(0);
