// How far the user has read one room. A member's mark is kept by the node, the
// same on all devices; in a room that the user only looks at, this browser
// keeps it.

import { isAfter, markAt } from '../model/mark.js';
import { pause } from './ask.js';

const TELL_EVERY_MS = 300;

export class ReadMark {
  #local;
  #keep;
  #tell;
  #failed;
  #member = null; // {offset, since, unread: as far as the node knew}
  #told = 0;
  #telling = false;

  /** local: the mark that this browser kept, or null; keep(mark); tell(offset) resolves when the node knows; failed(error). */
  constructor(local, { keep, tell, failed }) {
    this.#local = local;
    this.#keep = keep;
    this.#tell = tell;
    this.#failed = failed;
  }

  /** What stands behind it is unread. */
  get value() {
    return this.#member ?? this.#local;
  }

  /** Unread messages that the page may not have loaded. */
  get unread() {
    return this.#member?.unread ?? 0;
  }

  /** The node's word on a member's mark; nothing when the user is none. */
  follow(told) {
    if (!told) {
      this.#member = null;
      return;
    }
    const before = this.#member;
    // What was read here a moment ago may not have reached the node yet.
    if (before && before.offset > told.offset) this.#member = { ...before, since: told.since };
    else this.#member = told;
    this.#told = Math.max(this.#told, told.offset);
  }

  /** Another device of the user has read so far. */
  moved(offset) {
    if (this.#member && offset > this.#member.offset) this.follow({ ...this.#member, offset, unread: 0 });
  }

  setLocal(mark) {
    this.#local = mark;
  }

  /** Another message of somebody else. */
  arrived() {
    if (this.#member) this.#member = { ...this.#member, unread: this.#member.unread + 1 };
  }

  /** The newest message has been seen; false if that was known. */
  advance(newest, epoch) {
    if (!newest) return false;
    if (this.#member) {
      if (newest.offset <= this.#member.offset) return false;
      this.#member = { ...this.#member, offset: newest.offset, unread: 0 };
      this.#report();
    } else {
      if (!isAfter(newest, this.#local, epoch)) return false;
      this.#local = markAt(newest, epoch);
      this.#keep(this.#local);
    }
    return true;
  }

  async #report() {
    if (this.#telling) return;
    this.#telling = true;
    try {
      while (this.#member && this.#told < this.#member.offset) {
        const { offset } = this.#member;
        await this.#tell(offset);
        this.#told = offset;
        await pause(TELL_EVERY_MS);
      }
    } catch (error) {
      // After leaving there is no mark any more.
      if (this.#member) this.#failed(error);
    }
    this.#telling = false;
  }
}
