// One room's messages from the node: what happens live, and pages of what was
// said before as it is now, whenever the timeline doesn't join up with the log.

import { changeOf, messageFrom, messageOf } from '../model/message.js';
import { backoff, isTemporary } from '../model/outbox.js';
import { pause } from './ask.js';

const PAGE = 50;
const LARGEST_PAGE = 200; // the node's limit
const RETRY_MS = 2000;

/**
 * Fills the timeline. notify: {changed(), received(publication, newMessage or
 * null), subscribed(), closed(reason)}. ask(method, request) is one call about
 * the room.
 */
export class Feed {
  epoch = '';
  loaded = false; // the newest messages are here
  complete = false; // the oldest message is here
  loading = false;
  problem = ''; // why messages could not be read
  #oldestOffset = 0;
  #reading = 0;
  #renewing = false;
  #meanwhile = []; // changes since a page was asked for, which may lack them

  constructor({ sub, timeline, turns, ask }, notify) {
    this.sub = sub;
    this.timeline = timeline;
    this.turns = turns;
    this.ask = ask;
    this.notify = notify;
    sub.on('publication', (publication) => this.#take(publication));
    sub.on('subscribed', (context) => this.#subscribed(context));
    sub.on('unsubscribed', ({ code, reason }) => code !== 0 && notify.closed(reason));
  }

  /** Loads the page before the oldest message, when the reader comes near it. */
  async loadOlder(limit = PAGE) {
    if (this.loading || this.complete || !this.loaded || this.problem) return;
    this.loading = true;
    this.notify.changed();
    const reading = this.#reading;
    try {
      const page = await this.ask('messages', { before: this.#oldestOffset, limit });
      if (page.epoch === this.epoch && reading === this.#reading) this.#addPage(page);
    } catch (error) {
      // The view asks again; what is refused for good waits for the reader.
      if (isTemporary(error)) await pause(RETRY_MS);
      else this.problem = error.message;
    }
    this.loading = false;
    this.notify.changed();
  }

  /** Loads until the place is here; false if the room doesn't reach back to it. */
  async loadUpTo(offset) {
    while (!this.loaded && !this.problem && this.sub.state !== 'unsubscribed') await pause(RETRY_MS / 20);
    while (this.loaded && !this.complete && !this.problem && this.#oldestOffset > offset) {
      if (this.loading) await pause(RETRY_MS / 20);
      else await this.loadOlder(LARGEST_PAGE);
    }
    return this.timeline.at(offset) !== undefined;
  }

  /** After a problem, when the reader asks for it. */
  again() {
    this.problem = '';
    if (this.loaded) this.loadOlder();
    else this.#readNewest();
    this.notify.changed();
  }

  /** Forgets all but the newest messages. */
  trim(keep) {
    if (!this.timeline.trim(keep)) return;
    this.#oldestOffset = this.timeline.oldest.offset;
    this.complete = false;
  }

  /** Whether everything behind an offset is here. */
  covers(offset) {
    return this.loaded && (this.complete || this.#oldestOffset <= offset);
  }

  #take(publication) {
    const change = changeOf(publication);
    if (change) this.#change(change);
    const message = publication.offset === undefined ? null : messageOf(publication);
    const isNew = message !== null && this.timeline.add(message);
    if (message?.thread > 0) this.timeline.countReply(message.thread, message.offset, 1);
    this.notify.received(publication, isNew ? message : null);
  }

  #change(change) {
    if (this.loading || this.#renewing) this.#meanwhile.push(change);
    this.timeline.change(change, this.covers(change.target));
  }

  #subscribed(context) {
    this.epoch = context.streamPosition?.epoch ?? '';
    if (!context.recovered || !this.loaded) this.#readNewest();
    this.notify.subscribed();
  }

  // What was missed isn't known, so as much as was shown is read anew.
  async #readNewest() {
    const reading = ++this.#reading;
    const limit = Math.min(LARGEST_PAGE, Math.max(PAGE, this.timeline.length));
    this.#renewing = true;
    this.#meanwhile = [];
    this.problem = '';
    this.timeline.begin();
    const page = await this.#insist(() => this.ask('messages', { limit }), reading);
    if (reading === this.#reading) this.#renewing = false;
    if (!page) return;
    this.complete = false;
    this.epoch = page.epoch;
    this.#oldestOffset = Infinity;
    this.loaded = true;
    this.#addPage(page);
    this.timeline.sweep();
    this.notify.changed();
  }

  // Repeats until there is an answer or a newer reading has taken over.
  async #insist(ask, reading) {
    for (let attempts = 1; reading === this.#reading; attempts++) {
      try {
        const page = await this.turns.take(ask);
        return reading === this.#reading ? page : null;
      } catch (error) {
        // Without a connection the next "subscribed" begins again.
        if (this.sub.state !== 'subscribed' || reading !== this.#reading) return null;
        if (!isTemporary(error)) return this.#refused(error);
        await pause(backoff(attempts));
      }
    }
    return null;
  }

  #refused(error) {
    this.problem = error.message;
    this.notify.changed();
    return null;
  }

  #addPage({ messages = [], more = false, head = 0 }) {
    for (const told of messages) {
      const message = messageFrom(told, head);
      if (message) this.timeline.add(message);
    }
    if (messages.length > 0) this.#oldestOffset = Math.min(this.#oldestOffset, messages[0].offset);
    this.complete = !more;
    for (const change of this.#meanwhile.splice(0)) this.timeline.change(change, this.covers(change.target));
  }
}
