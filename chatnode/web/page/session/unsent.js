// What the user has said in a room and the node hasn't confirmed. It survives a
// reload of the page and goes out again with the same id.

import { Outbox } from '../model/outbox.js';
import { uuid7 } from '../model/uuid7.js';
import { pause } from './ask.js';
import { perTab } from './storage.js';

export class Unsent {
  #drawer;
  #timeline;
  #outbox;

  /** notify: {changed()} */
  constructor({ channel, me, link, timeline, reasonOf }, notify) {
    this.#drawer = `unsent.${me}.${channel}`;
    this.me = me;
    this.#timeline = timeline;
    const node = {
      ready: () => link.ready(),
      send: async (item) => (await link.client.rpc('chat.send', requestOf(channel, item))).data,
      pause,
    };
    this.#outbox = new Outbox(node, {
      sent: (item, reply) => {
        timeline.confirm(me, item.id, reply);
        this.#forget(item.id);
        notify.changed();
      },
      failed: (item, error) => {
        timeline.fail(me, item.id, reasonOf(error));
        notify.changed();
      },
    });
    for (const item of this.#kept) this.#push(item);
  }

  /** said: {text, replyTo?, thread?, mentions?} */
  send(said) {
    const item = { ...said, id: uuid7(), time: Date.now() };
    perTab.set(this.#drawer, [...this.#kept, item]);
    this.#push(item);
  }

  retry(id) {
    const item = this.#kept.find((each) => each.id === id);
    if (!item) return;
    this.#timeline.retry(this.me, id);
    this.#outbox.push(item);
  }

  discard(id) {
    this.#timeline.discard(this.me, id);
    this.#forget(id);
  }

  clear() {
    perTab.remove(this.#drawer);
  }

  #push(item) {
    this.#timeline.addPending({ ...item, sender: this.me });
    this.#outbox.push(item);
  }

  get #kept() {
    return perTab.get(this.#drawer, []);
  }

  #forget(id) {
    perTab.set(
      this.#drawer,
      this.#kept.filter((item) => item.id !== id),
    );
  }
}

function requestOf(room, { id, text, replyTo, thread, mentions }) {
  return { id, room, text, reply_to: replyTo, thread, mentions };
}
