// The other user of a direct conversation: how far it has come to the other, how
// far the other has read it, and whether the other is online.

import { ask } from './ask.js';

const ASK_EVERY_MS = 20_000;

export class Peer {
  read = 0;
  delivered = 0;
  status = ''; // "online", "away" or ""
  lastSeen = 0; // milliseconds since 1970; 0: unknown
  #timer = 0;

  constructor(user, room, changed) {
    this.user = user;
    this.room = room;
    this.changed = changed;
  }

  watch() {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#look(), ASK_EVERY_MS);
    this.refresh();
  }

  unwatch() {
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  /** A receipt in the conversation. */
  hear({ user, read, delivered }) {
    if (user !== this.user) return;
    this.read = Math.max(this.read, read);
    this.delivered = Math.max(this.delivered, delivered, read);
  }

  /** Asks anew, while somebody looks. */
  async refresh() {
    if (!this.#timer || this.room.sub.state !== 'subscribed') return;
    this.#look();
    try {
      const { marks = [] } = await this.room.ask('read_by', { users: [this.user] });
      for (const mark of marks) this.hear({ user: mark.user, read: mark.read ?? 0, delivered: mark.delivered ?? 0 });
      this.changed();
    } catch (error) {
      this.room.fault(error);
    }
  }

  async #look() {
    try {
      const { users = [] } = await ask(this.room.link, 'presence', { users: [this.user] });
      this.status = users[0]?.status ?? '';
      this.lastSeen = users[0]?.last_seen ?? 0;
      this.changed();
    } catch (error) {
      this.room.fault(error);
    }
  }
}
