// Who is in the room that is open: asked anew, a moment after somebody joined
// or left, because many come and go together.

import { isTemporary } from '../model/outbox.js';

const SETTLE_MS = 300;
const DENIED = 103;

export class Who {
  users = [];
  secret = false; // it is for others to see
  #watching = false;
  #timer = 0;

  /** failed(error) is told when it could not be asked; the next join, leave or reconnect asks again. */
  constructor(sub, { changed, failed }) {
    this.sub = sub;
    this.changed = changed;
    this.failed = failed;
    sub.on('join', () => this.#soon());
    sub.on('leave', () => this.#soon());
  }

  watch() {
    this.#watching = true;
    this.refresh();
  }

  unwatch() {
    this.#watching = false;
    clearTimeout(this.#timer);
  }

  async refresh() {
    if (!this.#watching || this.sub.state !== 'subscribed') return;
    try {
      const { clients } = await this.sub.presence();
      this.users = [...new Set(Object.values(clients).map(({ user }) => user))].sort((a, b) => a.localeCompare(b));
      this.secret = false;
    } catch (error) {
      this.secret = error.code === DENIED;
      if (this.secret) this.users = [];
      else if (!isTemporary(error)) this.failed(error);
    }
    this.changed();
  }

  #soon() {
    clearTimeout(this.#timer);
    if (this.#watching) this.#timer = setTimeout(() => this.refresh(), SETTLE_MS);
  }
}
