// What the user has settled for everywhere: how others see the user, and whom
// the user has blocked. Read with each connection, and when the window is
// looked at again, since another device may have changed it. Fires "change".

import { ask } from './ask.js';

export class Self extends EventTarget {
  status = 'online'; // or "away", or "hidden"
  blocked = [];

  /** failed(error) is told when it could not be read. */
  constructor(user, link, failed) {
    super();
    this.user = user;
    this.link = link;
    this.failed = failed;
    link.client.on('connected', this.refresh);
    addEventListener('focus', this.refresh);
  }

  end() {
    removeEventListener('focus', this.refresh);
  }

  refresh = async () => {
    if (this.link.state !== 'connected') return;
    try {
      const [{ users = [] }, { users: blocked = [] }] = await Promise.all([
        ask(this.link, 'presence', { users: [this.user] }),
        ask(this.link, 'blocks', {}),
      ]);
      this.status = users[0]?.status ?? this.status;
      this.blocked = blocked;
      this.#changed();
    } catch (error) {
      this.failed(error);
    }
  };

  /** How others see the user; rejects with the node's error. */
  async setStatus(status) {
    await ask(this.link, 'set_status', { status });
    this.status = status;
    this.#changed();
  }

  /** Keeps another from writing to the user directly, or lets the other again; rejects with the node's error. */
  async block(user, remove = false) {
    const { users = [] } = await ask(this.link, 'block', { user, remove });
    this.blocked = users;
    this.#changed();
  }

  hasBlocked(user) {
    return this.blocked.includes(user);
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
