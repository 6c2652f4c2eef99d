// A connected SDK client that remembers everything it was told, for tests that
// wait for conditions and then look at what happened.
import { randomUUID } from 'node:crypto';
import { newClient } from './combinations.js';
import { Proxy } from './proxy.js';

const deadline = 20_000; // ms, for one condition

const nodes = (process.env.CHATNODE_URLS ?? '').split(',').filter(Boolean);
if (nodes.length === 0) throw new Error('CHATNODE_URLS is empty: the Go test sets it');

// unique makes a name that no other test uses.
export const unique = (prefix) => prefix + randomUUID();

// newProxy leads to the nodes in turn, connection by connection.
export async function newProxy(t) {
  const proxy = await new Proxy(nodes).listen();
  t.after(() => proxy.close());
  return proxy;
}

// devToken asks a node for a development token; ttl in seconds.
export async function devToken(user, ttl) {
  const url = new URL('/dev/token', nodes[0]);
  url.searchParams.set('user', user);
  if (ttl !== undefined) url.searchParams.set('ttl', ttl);
  const answer = await fetch(url);
  const { token, error } = await answer.json();
  if (error !== undefined) throw new Error(`no token for ${user}: ${error}`);
  return token;
}

// Recorder keeps the events of an emitter in order, each as {name, ...context}.
export class Recorder {
  events = [];
  #check = new Set();

  constructor(emitter, names) {
    for (const name of names) {
      emitter.on(name, (context) => {
        this.events.push({ name, ...context });
        for (const check of this.#check) check();
      });
    }
  }

  all(name) {
    return this.events.filter((event) => event.name === name);
  }

  // until resolves with what condition gives once it gives something true.
  until(what, condition) {
    return new Promise((resolve, reject) => {
      const check = () => {
        const result = condition(this);
        if (!result) return;
        done();
        resolve(result);
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`never: ${what}; last events: ${JSON.stringify(this.events.slice(-5))}`));
      }, deadline);
      const done = () => {
        clearTimeout(timer);
        this.#check.delete(check);
      };
      this.#check.add(check);
      check();
    });
  }

  next(name, matches = () => true) {
    return this.until(name, () => this.all(name).find(matches));
  }
}

const clientEvents = [
  'connecting', 'connected', 'disconnected', 'error', 'message',
  'subscribed', 'subscribing', 'unsubscribed', 'publication', 'join', 'leave',
];
const subscriptionEvents = [
  'subscribing', 'subscribed', 'unsubscribed', 'publication', 'join', 'leave', 'error',
];

// open connects as a user, or anonymously without one, and returns
// {client, proxy, user, id, recorder, ...}. The test's end disconnects.
export async function open(t, combination, { user, proxy, ...options } = {}) {
  proxy ??= await newProxy(t);
  if (user !== undefined && options.token === undefined) options.token = await devToken(user);
  const client = newClient(combination, proxy.url, options);
  t.after(() => client.disconnect());
  const recorder = new Recorder(client, clientEvents);
  client.connect();
  const { client: id } = await recorder.until('connected or disconnected', () =>
    recorder.all('connected')[0] ?? recorder.all('disconnected')[0]);
  const { encode, decode } = combination.encoding;
  return {
    client, proxy, user, id, recorder, decode,
    publish: (channel, value) => client.publish(channel, encode(value)),
    rpc: async (method, value) => decode((await client.rpc(method, encode(value))).data),
  };
}

// subscribe listens to a channel and resolves when the answer is there: a
// recorder with the subscription beside it.
export async function subscribe(session, channel, options) {
  const subscription = session.client.newSubscription(channel, options);
  const recorder = new Recorder(subscription, subscriptionEvents);
  recorder.subscription = subscription;
  // texts are the messages so far, in the order of their arrival.
  recorder.texts = () => recorder.all('publication').map((event) => session.decode(event.data).text);
  subscription.subscribe();
  await recorder.until('subscribed or unsubscribed', () =>
    recorder.all('subscribed')[0] ?? recorder.all('unsubscribed')[0]);
  return recorder;
}

// send stores a message, and repeats it under the same id while the server
// says that the fault is temporary or the connection broke (the SDK's own codes
// are below 100), as an application does.
export async function send(session, room, text, id = randomUUID()) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await session.rpc('chat.send', { id, room, text });
    } catch (error) {
      const repeat = error.temporary || error.code < 100;
      if (!repeat || attempt === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

// fill sends the texts of a range in order, with a new user before the rate
// limit of the old one is reached.
export async function fill(t, combination, room, from, to) {
  const perUser = 30;
  const texts = [];
  let writer;
  for (let i = from; i < to; i++) {
    if ((i - from) % perUser === 0) writer = await open(t, combination, { user: unique('writer-') });
    texts.push(`message ${i}`);
    await send(writer, room, texts.at(-1));
  }
  return texts;
}
