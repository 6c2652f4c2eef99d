// Who is typing right now. The signal is repeated while somebody types and
// simply stops, so each one is believed for five seconds.

const BELIEVED_MS = 5000;

export class Typists {
  #timers = new Map(); // name → timer that ends it

  constructor(changed) {
    this.changed = changed;
  }

  hear({ sender, typing }) {
    clearTimeout(this.#timers.get(sender));
    if (typing) this.#timers.set(sender, setTimeout(() => this.hear({ sender, typing: false }), BELIEVED_MS));
    else if (!this.#timers.delete(sender)) return;
    this.changed();
  }

  clear() {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  get names() {
    return [...this.#timers.keys()];
  }
}
