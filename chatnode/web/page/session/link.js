// The connection to the node, by the SDK: it reconnects, resumes and falls back
// from WebSocket to HTTP by itself. Link adds what a person wants to know of it.

import { Centrifuge, UnauthorizedError } from 'centrifuge';
import { developmentToken, Refusal } from './identity.js';

const TIMEOUT_MS = 20_000; // the node answers a send within 4 s, a slow network takes longer
const LONGEST_RECONNECT_MS = 8_000;
const TOKEN_REFUSED = [101, 3500]; // unauthorized at connect, invalid token later

/**
 * Fires "change", and "personal" for each event on the user's personal feed.
 * state: connecting, connected, reconnecting, offline or closed.
 */
export class Link extends EventTarget {
  state = 'connecting';
  reason = '';
  lostAt = Date.now(); // 0 while connected
  #wasConnected = false;
  #renewed = false; // the token, since the last connection
  #again = 0; // timer
  #waiting = [];

  constructor(identity) {
    super();
    this.renewable = !identity.token;
    this.client = new Centrifuge(endpoints(), {
      token: identity.token ?? '',
      getToken: () => tokenFor(identity),
      name: 'chatfleet-page',
      data: { rooms: 0 }, // the page subscribes to each room itself
      timeout: TIMEOUT_MS,
      maxReconnectDelay: LONGEST_RECONNECT_MS,
    });
    this.client.on('connecting', () => this.#lost());
    this.client.on('connected', () => this.#connected());
    this.client.on('publication', ({ data }) => this.dispatchEvent(new CustomEvent('personal', { detail: data })));
    this.client.on('disconnected', ({ code, reason }) => this.#closed(code, reason));
    addEventListener('online', this.#networkChanged);
    addEventListener('offline', this.#networkChanged);
  }

  connect() {
    this.client.connect();
  }

  close() {
    removeEventListener('online', this.#networkChanged);
    removeEventListener('offline', this.#networkChanged);
    clearTimeout(this.#again);
    this.client.disconnect();
  }

  /** Doesn't wait for the next attempt. */
  tryNow() {
    if (this.state === 'connected') return;
    this.client.disconnect();
    if (this.renewable) this.client.setToken('');
    this.client.connect();
  }

  /** Resolves when commands can be sent. */
  ready() {
    if (this.state === 'connected') return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #networkChanged = () => {
    if (this.state === 'reconnecting' || this.state === 'offline') this.#lost();
  };

  #connected() {
    this.lostAt = 0;
    this.#wasConnected = true;
    this.#renewed = false;
    this.#show('connected');
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #lost() {
    this.lostAt ||= Date.now();
    this.#show(this.#wasConnected ? lostState() : 'connecting');
  }

  #closed(code, reason) {
    this.lostAt ||= Date.now();
    // A development node that lost its data has another secret.
    if (TOKEN_REFUSED.includes(code) && this.renewable && !this.#renewed) {
      this.#renewed = true;
      this.#again = setTimeout(() => this.tryNow());
    }
    this.#show('closed', code === 0 ? '' : reason);
  }

  #show(state, reason = '') {
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event('change'));
  }
}

function lostState() {
  return navigator.onLine === false ? 'offline' : 'reconnecting';
}

function endpoints() {
  const http = location.origin;
  return [
    { transport: 'websocket', endpoint: `${http.replace(/^http/, 'ws')}/connection/websocket` },
    { transport: 'http_stream', endpoint: `${http}/connection/http_stream` },
    { transport: 'sse', endpoint: `${http}/connection/sse` },
  ];
}

// A token that came from outside can't be renewed here.
async function tokenFor({ user, token }) {
  if (token) throw new UnauthorizedError('token expired');
  try {
    return await developmentToken(user);
  } catch (error) {
    if (error instanceof Refusal) throw new UnauthorizedError(error.message);
    throw error;
  }
}
