// Who is in the room that is open: asked anew, a moment after somebody joined
// or left, because many come and go together.

const SETTLE_MS = 300;

export class Who {
  users = [];
  #watching = false;
  #timer = 0;

  constructor(sub, changed) {
    this.sub = sub;
    this.changed = changed;
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
      this.changed();
    } catch {
      // The last known list stays; the next join, leave or reconnect asks again.
    }
  }

  #soon() {
    clearTimeout(this.#timer);
    if (this.#watching) this.#timer = setTimeout(() => this.refresh(), SETTLE_MS);
  }
}
