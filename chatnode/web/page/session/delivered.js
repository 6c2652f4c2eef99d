// Tells the node how far a direct conversation has come to this device, so that
// the other user sees it. What is read a moment later need not be told.

import { pause } from './ask.js';

const SETTLE_MS = 300;

export class Delivered {
  #reached = 0;
  #told = 0;
  #telling = false;

  /** read() is the offset up to which the user has read; tell(offset) resolves when the node knows; failed(error). */
  constructor({ read, tell, failed }) {
    this.read = read;
    this.tell = tell;
    this.failed = failed;
  }

  /** The node knows that it came so far. */
  follow(offset) {
    this.#told = Math.max(this.#told, offset);
  }

  /** A message of the other is here. */
  async reach(offset) {
    this.#reached = Math.max(this.#reached, offset);
    if (this.#telling) return;
    this.#telling = true;
    try {
      while (this.#told < this.#reached) {
        await pause(SETTLE_MS);
        const upTo = this.#reached;
        if (this.read() < upTo) await this.tell(upTo);
        this.#told = upTo;
      }
    } catch (error) {
      this.failed(error);
    }
    this.#telling = false;
  }
}
