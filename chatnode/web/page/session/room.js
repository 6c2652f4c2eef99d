// One room on the list: its messages, who is there, who is typing, what is
// unread, and sending into it. Fires "change", and "arrival" for a live message.

import { describe } from '../model/channel.js';
import { isAfter, markAt } from '../model/mark.js';
import { typingOf } from '../model/message.js';
import { Outbox } from '../model/outbox.js';
import { Timeline } from '../model/timeline.js';
import { uuid7 } from '../model/uuid7.js';
import { Feed } from './feed.js';
import { perTab } from './storage.js';
import { Typists } from './typists.js';
import { Who } from './who.js';

const KEPT_WHEN_CLOSED = 200;
const KEPT_WHEN_OPEN = 2000;
const TYPING_EVERY_MS = 3000;

export class Room extends EventTarget {
  version = 0; // counts changes, so that views can tell old from new
  unread = 0;
  newSince = null; // the read mark behind which messages are shown as new
  problem = '';
  draft = '';
  sends = 0; // counts what the user has sent, so that the view follows
  #open = false;
  #typingSentAt = 0;

  /** context: {me, link, turns, mark, saveMark(mark)} */
  constructor(channel, context) {
    super();
    this.channel = channel;
    this.me = context.me;
    this.title = describe(channel, context.me).title;
    this.direct = describe(channel, context.me).direct;
    this.link = context.link;
    this.mark = context.mark;
    this.saveMark = context.saveMark;
    this.timeline = new Timeline();
    this.typists = new Typists(() => this.#changed());
    const sub = this.link.client.newSubscription(channel, { recoverable: true, positioned: true, joinLeave: true });
    this.sub = sub;
    this.who = new Who(sub, () => this.#changed());
    this.feed = new Feed(sub, this.timeline, context.turns, {
      changed: () => this.#changed(),
      received: (publication, message) => this.#received(publication, message),
      subscribed: () => this.#subscribed(),
      closed: (reason) => this.#closed(reason),
    });
    this.outbox = new Outbox(this.#node(), {
      sent: (item, reply) => this.#sent(item, reply),
      failed: (item, error) => this.#failed(item, error),
    });
    this.#resend();
    sub.subscribe();
  }

  open() {
    this.#open = true;
    if (this.unread === 0) this.newSince = null;
    this.who.watch();
    this.#changed();
  }

  close() {
    this.#open = false;
    this.who.unwatch();
    this.feed.trim(KEPT_WHEN_CLOSED);
    this.#changed();
  }

  /** Asks again to be let in, after the node has closed the room. */
  rejoin() {
    this.problem = '';
    this.sub.subscribe();
    this.#changed();
  }

  leave() {
    this.typists.clear();
    this.who.unwatch();
    perTab.remove(this.#drawer());
    this.sub.unsubscribe();
    this.link.client.removeSubscription(this.sub);
  }

  send(text) {
    const item = { id: uuid7(), text, time: Date.now() };
    this.newSince = null;
    this.sends++;
    this.#typingSentAt = 0;
    this.timeline.addPending({ ...item, sender: this.me });
    this.#remember(item);
    this.outbox.push(item);
    this.#changed();
  }

  retry({ id, text, time }) {
    this.timeline.retry(this.me, id);
    this.outbox.push({ id, text, time });
    this.#changed();
  }

  discard({ id }) {
    this.timeline.discard(this.me, id);
    this.#forget(id);
    this.#changed();
  }

  /** Tells the others at most every three seconds; a lost signal is no loss. */
  typing() {
    if (this.link.state !== 'connected' || Date.now() - this.#typingSentAt < TYPING_EVERY_MS) return;
    this.#typingSentAt = Date.now();
    this.link.client.rpc('chat.typing', { room: this.channel, typing: true }).catch(() => {});
  }

  /** The reader is at the newest message and has seen everything. */
  markRead() {
    this.feed.trim(KEPT_WHEN_OPEN);
    const newest = this.timeline.newest;
    if (!newest || !isAfter(newest, this.mark, this.feed.epoch)) return;
    this.setMark(markAt(newest, this.feed.epoch));
    this.saveMark(this.mark);
  }

  /** Takes over how far the same user has read in another window. */
  setMark(mark) {
    this.mark = mark;
    this.#changed();
  }

  isNew(entry) {
    return this.newSince !== null && entry.sender !== this.me && entry.state === 'sent' && isAfter(entry, this.newSince, this.feed.epoch);
  }

  get last() {
    return this.timeline.last;
  }

  #node() {
    return {
      ready: () => this.link.ready(),
      send: async ({ id, text }) => (await this.link.client.rpc('chat.send', { id, room: this.channel, text })).data,
      pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    };
  }

  #subscribed() {
    this.problem = '';
    this.who.refresh();
    this.#changed();
  }

  #closed(reason) {
    this.problem = reason || 'The node closed this room.';
    this.#changed();
  }

  #received(publication, message) {
    const signal = typingOf(publication);
    if (signal && signal.sender !== this.me) this.typists.hear(signal);
    if (message) {
      this.typists.hear({ sender: message.sender, typing: false });
      if (!this.#open) this.feed.trim(KEPT_WHEN_CLOSED);
    }
    this.#changed();
    if (message && message.sender !== this.me) this.dispatchEvent(new CustomEvent('arrival', { detail: message }));
  }

  #sent(item, reply) {
    this.timeline.confirm(this.me, item.id, reply);
    this.#forget(item.id);
    this.#changed();
  }

  #failed(item, error) {
    this.timeline.fail(this.me, item.id, error.message || 'The node did not take it.');
    this.#changed();
  }

  #changed() {
    const before = this.unread;
    const { sent } = this.timeline;
    this.unread = sent.filter((entry) => entry.sender !== this.me && isAfter(entry, this.mark, this.feed.epoch)).length;
    if (before === 0 && this.unread > 0) this.newSince = this.mark;
    this.version++;
    this.dispatchEvent(new Event('change'));
  }

  // What isn't acknowledged survives a reload of the page and goes out again
  // with the same id.
  #drawer() {
    return `unsent.${this.me}.${this.channel}`;
  }

  #resend() {
    for (const item of perTab.get(this.#drawer(), [])) {
      this.timeline.addPending({ ...item, sender: this.me });
      this.outbox.push(item);
    }
  }

  #remember(item) {
    perTab.set(this.#drawer(), [...perTab.get(this.#drawer(), []), item]);
  }

  #forget(id) {
    perTab.set(
      this.#drawer(),
      perTab.get(this.#drawer(), []).filter((item) => item.id !== id),
    );
  }
}
