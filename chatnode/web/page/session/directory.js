// The user's list of rooms on the node: read when the connection is there, and
// again whenever the personal feed tells of a change to it.

import { ask, pause } from './ask.js';

const PAGE = 200; // the node's limit
const MOST_PAGES = 4; // a connection has at most 1,000 subscriptions
const SETTLE_MS = 100;

export class Directory {
  #wanted = false;
  #reading = false;

  /**
   * took(conversations, complete) gets the list, complete if that is all of it.
   * began() is called before it is asked for, failed(error) when it could not be
   * read; the next connection asks again.
   */
  constructor(link, { began, took, failed }) {
    this.link = link;
    this.began = began;
    this.took = took;
    this.failed = failed;
  }

  async refresh() {
    this.#wanted = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#wanted) {
      await pause(SETTLE_MS); // changes come in company
      this.#wanted = false;
      this.began();
      try {
        this.took(...(await this.#read()));
      } catch (error) {
        this.failed(error);
      }
    }
    this.#reading = false;
  }

  async #read() {
    const all = [];
    let cursor;
    for (let page = 0; page < MOST_PAGES; page++) {
      const reply = await ask(this.link, 'rooms', { limit: PAGE, cursor });
      all.push(...(reply.rooms ?? []));
      cursor = reply.cursor;
      if (!cursor) return [all, true];
    }
    return [all, false];
  }
}
