// The messages of one room in the order of the log, and behind them what this
// page has sent and the log hasn't confirmed yet. A message is known by its
// sender and id together, so nobody can hide another's message behind its id.
// Entries are replaced, never changed, so that a view can compare them.

import { after } from './change.js';

export class Timeline {
  #sent = []; // ascending offsets
  #unsent = []; // in the order of sending
  #known = new Map(); // key → entry
  #generation = 0;

  /** Puts a message of the log in its place; false if it was there already. */
  add(message) {
    const key = keyOf(message);
    const known = this.#known.get(key);
    if (known?.state === 'sent' && known.generation === this.#generation) return false;
    if (known) this.#drop(known);
    const entry = { ...message, key, state: 'sent', generation: this.#generation };
    this.#sent.splice(this.#placeOf(entry.offset), 0, entry);
    this.#known.set(key, entry);
    return known?.state !== 'sent';
  }

  /**
   * Takes over what an event changes about a message. What an edited or deleted
   * message said first is no longer in the log, so one that isn't here stands
   * in the change itself; covered says that its place is on the screen.
   */
  change(change, covered) {
    const place = this.#sent.findIndex(({ offset }) => offset === change.target);
    if (place < 0) {
      if (change.message && covered) this.add(change.message);
      return;
    }
    const was = this.#sent[place];
    const now = after(was, change);
    this.#sent[place] = now;
    this.#known.set(now.key, now);
    if (now.deleted && !was.deleted && now.thread > 0) this.countReply(now.thread, change.offset, -1);
  }

  /** A thread, named by the offset of its first message, has one message more or less. */
  countReply(thread, offset, by) {
    this.change({ kind: 'replies', target: thread, offset, by }, false);
  }

  at(offset) {
    return this.#sent.find((entry) => entry.offset === offset);
  }

  /** The newest message of that id. */
  withId(id) {
    return this.#sent.findLast((entry) => entry.id === id);
  }

  /** Shows a message that is on its way. */
  addPending({ id, sender, text, time, replyTo = '', thread = 0 }) {
    const key = keyOf({ id, sender });
    if (this.#known.has(key)) return;
    const plain = { code: false, attachments: [], reactions: [], edited: 0, deleted: false, replies: 0 };
    const entry = { ...plain, id, sender, text, time, replyTo, thread, key, state: 'pending' };
    this.#unsent.push(entry);
    this.#known.set(key, entry);
  }

  /** The node has answered: the message stands in the log at this offset. */
  confirm(sender, id, { offset, time }) {
    const entry = this.#known.get(keyOf({ id, sender }));
    if (entry && entry.state !== 'sent') this.add({ ...entry, offset, time, asOf: offset });
  }

  fail(sender, id, reason) {
    this.#mark(sender, id, { state: 'failed', reason });
  }

  retry(sender, id) {
    this.#mark(sender, id, { state: 'pending', reason: undefined });
  }

  discard(sender, id) {
    const entry = this.#known.get(keyOf({ id, sender }));
    if (entry && entry.state !== 'sent') this.#drop(entry);
  }

  /**
   * Begins to read the log anew, because there may be a hole or because offsets
   * count something else now. What is added from here on stays; sweep() drops
   * every message of the log that wasn't seen again.
   */
  begin() {
    this.#generation++;
  }

  sweep() {
    for (const entry of this.#sent.filter((each) => each.generation !== this.#generation)) this.#drop(entry);
  }

  /** Keeps the newest messages only; true if older ones went. */
  trim(keep) {
    const surplus = this.#sent.slice(0, Math.max(0, this.#sent.length - keep));
    for (const entry of surplus) this.#known.delete(entry.key);
    this.#sent = this.#sent.slice(surplus.length);
    return surplus.length > 0;
  }

  get length() {
    return this.#sent.length;
  }

  get oldest() {
    return this.#sent[0];
  }

  get newest() {
    return this.#sent.at(-1);
  }

  /** What stands at the very end, sent or not. */
  get last() {
    return this.#unsent.at(-1) ?? this.newest;
  }

  /** The messages of the log, oldest first. */
  get sent() {
    return this.#sent;
  }

  /** All that is to be shown, oldest first. */
  list() {
    return [...this.#sent, ...this.#unsent];
  }

  #mark(sender, id, change) {
    const place = this.#unsent.findIndex((entry) => entry.id === id && entry.sender === sender);
    if (place < 0) return;
    this.#unsent[place] = { ...this.#unsent[place], ...change };
    this.#known.set(this.#unsent[place].key, this.#unsent[place]);
  }

  #drop(entry) {
    this.#known.delete(entry.key);
    const list = entry.state === 'sent' ? this.#sent : this.#unsent;
    const place = list.indexOf(entry);
    if (place >= 0) list.splice(place, 1);
  }

  // From the end, because that is where nearly every message belongs.
  #placeOf(offset) {
    let place = this.#sent.length;
    while (place > 0 && this.#sent[place - 1].offset > offset) place--;
    return place;
  }
}

function keyOf({ sender, id }) {
  return `${sender}\n${id}`;
}
