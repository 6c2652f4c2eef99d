// Who belongs to a room, for whoever looks at its details: read anew, a moment
// after something about it has happened. Fires "change".

import { pause } from './ask.js';

const PAGE = 200;
const SETTLE_MS = 200;

export class Members extends EventTarget {
  joined = [];
  invited = [];
  banned = [];
  more = false; // there are more than are shown
  problem = '';
  #wanted = false;
  #reading = false;

  constructor(room) {
    super();
    this.room = room;
    room.addEventListener('members', this.refresh);
    this.refresh();
  }

  end() {
    this.room.removeEventListener('members', this.refresh);
  }

  /** Does something with members; what the node has against it becomes the problem. */
  async act(method, request) {
    this.#show('');
    try {
      await this.room.ask(method, request);
      await this.room.refresh();
      this.refresh();
      return true;
    } catch (error) {
      this.#show(error.message);
      return false;
    }
  }

  /** Blocks somebody for the user alone, or lets write again. */
  async block(user, remove) {
    this.#show('');
    try {
      await this.room.self.block(user, remove);
    } catch (error) {
      this.#show(error.message);
    }
  }

  refresh = async () => {
    this.#wanted = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#wanted) {
      this.#wanted = false;
      await this.#read();
      await pause(SETTLE_MS);
    }
    this.#reading = false;
  };

  async #read() {
    const { seeMembers, expel } = this.room.rights;
    const list = (membership) => this.room.ask('members', { membership, limit: PAGE });
    try {
      const [joined, invited, banned] = await Promise.all([seeMembers ? list('joined') : {}, expel ? list('invited') : {}, expel ? list('banned') : {}]);
      this.joined = joined.members ?? [];
      this.invited = invited.members ?? [];
      this.banned = banned.members ?? [];
      this.more = Boolean(joined.cursor);
    } catch (error) {
      this.problem = error.message;
    }
    this.dispatchEvent(new Event('change'));
  }

  #show(problem) {
    this.problem = problem;
    this.dispatchEvent(new Event('change'));
  }
}
