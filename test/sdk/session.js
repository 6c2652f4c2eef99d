// A connected SDK client that remembers everything it was told, for tests that
// wait for conditions and then look at what happened.
import { randomUUID } from 'node:crypto';
import { newClient } from './combinations.js';
import { Proxy } from './proxy.js';

const deadline = 30_000; // ms, for one condition

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

// call calls a method of the chat service as an application's server does.
export async function call(method, request) {
  const url = new URL('/dev/token', nodes[0]);
  url.searchParams.set('user', 'backend');
  url.searchParams.set('admin', 'true');
  const { token } = await (await fetch(url)).json();
  const answer = await fetch(new URL(`/chatfleet.chat.v1.ChatService/${method}`, nodes[0]), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify(request),
  });
  const reply = await answer.json();
  if (!answer.ok) throw new Error(`${method}: ${answer.status} ${reply.message}`);
  return reply;
}

// number makes a number of an offset: the Protobuf client gives 64 bits as an object.
export const number = (offset) => Number(String(offset));

// inShort names an event with what tells it from others of its kind.
function inShort({ name, offset, code, error, wasRecovering, recovered, streamPosition }) {
  if (name === 'publication') return `#${offset}`;
  const about = { code, error, wasRecovering, recovered, at: streamPosition && number(streamPosition.offset) };
  return `${name}${JSON.stringify(about)}`;
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
        reject(new Error(`never: ${what}; ${this.events.length} events, at the end: ${this.events.slice(-60).map(inShort).join(' ')}`));
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
    client, proxy, user, id, recorder, decode, combination,
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
  // publications so far, without the SDK's own faults.
  recorder.publications = () => {
    let all = recorder.all('publication').map(({ offset, data }) => ({ offset: number(offset), ...session.decode(data) }));
    if (session.combination.fragile) all = [...new Map(all.map((p) => [p.offset, p])).values()];
    return session.combination.disorder ? all.sort((a, b) => a.offset - b.offset) : all;
  };
  recorder.texts = () => recorder.publications().map(({ text }) => text);
  subscription.subscribe();
  await recorder.until('subscribed or unsubscribed', () =>
    recorder.all('subscribed')[0] ?? recorder.all('unsubscribed')[0]);
  return recorder;
}

// insist repeats a call that the server or the SDK calls a passing failure (the SDK's own codes are below 100), as an application does.
async function insist(session, passing, call) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt === 20 || session.client.state === 'disconnected' || !passing(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

// send stores a message. Its id makes it safe to repeat.
export function send(session, room, text, id = randomUUID()) {
  const passing = (error) => error.temporary || error.code < 100;
  return insist(session, passing, () => session.rpc('chat.send', { id, room, text }));
}

// history reads a page.
export function history(session, channel, options) {
  const passing = (error) => session.combination.fragile && error.code < 100;
  return insist(session, passing, () => session.client.history(channel, options));
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
