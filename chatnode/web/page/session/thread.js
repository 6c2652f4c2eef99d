// One thread of a room: the message that begins it and the answers in it, read
// when somebody opens it and kept up with what happens in the room. To a list
// of messages it looks like a room of its own.

import { changeOf, messageFrom, messageOf } from '../model/message.js';
import { Timeline } from '../model/timeline.js';

const PAGE = 200; // the node's limit

export class Thread extends EventTarget {
  problem = '';
  #timeline = new Timeline();

  /** first is the offset of the message that begins it. */
  constructor(room, first) {
    super();
    this.room = room;
    this.first = first;
    room.addEventListener('publication', this.#take);
    room.addEventListener('change', this.#pass);
    room.sub.on('subscribed', this.#again);
    this.#read();
  }

  end() {
    this.room.removeEventListener('publication', this.#take);
    this.room.removeEventListener('change', this.#pass);
    this.room.sub.removeListener('subscribed', this.#again);
  }

  /** All that is to be shown, oldest first, with what is on its way. */
  get entries() {
    const unsent = this.room.timeline.list().filter(({ state, thread }) => state !== 'sent' && thread === this.first);
    return [...this.#timeline.list(), ...unsent];
  }

  async #read() {
    this.#timeline.begin();
    try {
      // The reading may lack what comes meanwhile; that is in the room's events.
      let before;
      do {
        const page = await this.room.ask('messages', { thread: this.first, limit: PAGE, before });
        const messages = page.messages ?? [];
        for (const told of messages) this.#add(messageFrom(told, page.head));
        before = page.more ? messages[0]?.offset : 0;
      } while (before);
      this.#timeline.sweep();
      this.problem = '';
    } catch (error) {
      this.problem = error.message;
    }
    this.#pass();
  }

  #take = ({ detail: publication }) => {
    const message = publication.offset === undefined ? null : messageOf(publication);
    if (message?.thread === this.first) this.#add(message);
    const change = changeOf(publication);
    if (change) this.#timeline.change(change, change.message?.thread === this.first);
    this.#pass();
  };

  // After an outage that lost events.
  #again = ({ recovered }) => {
    if (!recovered) this.#read();
  };

  #add(message) {
    if (message) this.#timeline.add(message);
  }

  #pass = () => this.dispatchEvent(new Event('change'));
}
