// A client that speaks as chat21's own does, with the npm package mqtt, and remembers what it was told.
import { createHmac, randomUUID } from 'node:crypto';
import mqtt from 'mqtt';

const patience = 30_000; // ms, for one condition
const app = 'tilechat';

const list = (name) => (process.env[name] ?? '').split(',').filter(Boolean);
const hosts = list('WEB_HOSTS');
const tcp = list('TCP_URLS');
if (hosts.length === 0) throw new Error('WEB_HOSTS is empty: the Go test sets it');

export const transports = [
  { name: 'WebSocket', url: (i) => `ws://${hosts[i % hosts.length]}/ws` },
  { name: 'TCP', url: (i) => tcp[i % tcp.length] },
];

// unique makes a name that no other test uses.
export const unique = (prefix) => `${prefix}-${randomUUID()}`;

// tokenOf signs a token like those that chat21's backend gives out.
export function tokenOf(user, claims = {}, key = process.env.TOKEN_KEY) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const below = `apps.${app}`;
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({
    sub: user, app_id: app, aud: ['rabbitmq', user], client_id: user, cid: user, azp: user, user_id: user, jti: randomUUID(),
    exp: Math.floor(Date.now() / 1000) + 3600, iat: Math.floor(Date.now() / 1000), tiledesk_api_roles: 'user',
    scope: [
      `rabbitmq.read:*/*/${below}.users.${user}.*`,
      `rabbitmq.write:*/*/${below}.users.${user}.*`,
      `rabbitmq.write:*/*/${below}.outgoing.users.${user}.*`,
      'rabbitmq.configure:*/*/*',
    ],
    ...claims,
  })}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

let connections = 0;

// options are those with which chat21's client connects.
export function options(user, token = tokenOf(user), more = {}) {
  const clientId = randomUUID();
  return {
    protocolVersion: 4, clientId, keepalive: 10, clean: true, reconnectPeriod: 1000, username: 'JWT', password: token,
    will: { topic: `apps/${app}/users/${user}/presence/${clientId}`, payload: '{"disconnected":true}', qos: 1, retain: true },
    ...more,
  };
}

// Client is a connected user.
export class Client {
  constructor(user, link, id) {
    Object.assign(this, { user, link, id, heard: [], waiting: [] });
    link.on('message', (topic, payload) => {
      this.heard.push({ topic, body: JSON.parse(payload.toString()) });
      this.waiting.splice(0).forEach((wake) => wake());
    });
  }

  topic(own) { return `apps/${app}/users/${this.user}/${own}`; }

  // say sends a message, as the client does: with QoS 0.
  say(to, message, qos = 0) {
    return this.link.publishAsync(`apps/${app}/outgoing/users/${this.user}/messages/${to}/outgoing`, JSON.stringify(message), { qos });
  }

  publish(own, body) { return this.link.publishAsync(this.topic(own), JSON.stringify(body)); }

  // hear takes the next message on a topic below the user's for which the condition holds.
  async hear(own, holds = () => true) {
    const end = Date.now() + patience;
    for (;;) {
      const i = this.heard.findIndex(({ topic, body }) => topic === this.topic(own) && holds(body));
      if (i >= 0) return this.heard.splice(i, 1)[0].body;
      if (Date.now() > end) throw new Error(`${this.user} heard nothing of ${own}, but ${JSON.stringify(this.heard)}`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.waiting.push(() => { clearTimeout(timer); resolve(); });
      });
    }
  }
}

// connect gives a user's client, subscribed to everything below the user's topics. Connections go to the nodes in turn.
export async function connect(t, transport, user, { qos = 0, token, node, more } = {}) {
  const o = options(user, token, more);
  const link = await mqtt.connectAsync(transport.url(node ?? connections++), o);
  t.after(() => link.endAsync(true));
  const client = new Client(user, link, o.clientId);
  const [granted] = await link.subscribeAsync(client.topic('#'), { qos });
  if (granted.qos !== qos) throw new Error(`granted QoS ${granted.qos}, wanted ${qos}`);
  return client;
}

// refusal connects in vain, and gives the error.
export async function refusal(transport, o) {
  const link = mqtt.connect(transport.url(connections++), { ...o, reconnectPeriod: 0 });
  try {
    return await new Promise((resolve, reject) => {
      link.on('error', resolve);
      link.on('connect', () => reject(new Error('connected')));
      link.on('close', () => resolve(new Error('closed')));
    });
  } finally {
    link.end(true);
  }
}

// call makes a request of the HTTP API, and gives the status and the answer.
export async function call(method, path, token, body) {
  const response = await fetch(`http://${hosts[connections++ % hosts.length]}/api/${path}`, {
    method,
    headers: { ...(token ? { Authorization: token } : {}), 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  let answer = text;
  try { answer = JSON.parse(text); } catch { /* some answers are plain text */ }
  return { status: response.status, answer };
}
