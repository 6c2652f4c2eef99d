// What the user has settled for everywhere: how others see the user, and whom
// the user has blocked. Read with each connection; what another window or device
// changes then comes on the personal feed. Fires "change".

import { ask } from './ask.js';

export class Self extends EventTarget {
  status = 'online'; // or "away", or "hidden"
  blocked = [];
  #heard = 0; // events that told something new
  #told = new Map(); // user, "" for the status → time of the newest event

  /** failed(error) is told when it could not be read. */
  constructor(user, link, failed) {
    super();
    this.user = user;
    this.link = link;
    this.failed = failed;
    link.client.on('connected', this.refresh);
  }

  refresh = async () => {
    if (this.link.state !== 'connected') return;
    const before = this.#heard;
    try {
      const [{ users = [] }, { users: blocked = [] }] = await Promise.all([
        ask(this.link, 'presence', { users: [this.user] }),
        ask(this.link, 'blocks', {}),
      ]);
      if (this.#heard > before) return this.refresh(); // the answers may be older
      this.status = users[0]?.status ?? this.status;
      this.blocked = blocked;
      this.#changed();
    } catch (error) {
      this.failed(error);
    }
  };

  /** An event of the type "status" or "block". Of those about the same thing the latest counts, in whichever order they come. */
  hear({ type, time, status, user = '', remove = false }) {
    if (time <= (this.#told.get(user) ?? 0)) return;
    this.#told.set(user, time);
    this.#heard++;
    if (type === 'status') this.status = status;
    else this.blocked = [...this.blocked.filter((other) => other !== user), ...(remove ? [] : [user])];
    this.#changed();
  }

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
