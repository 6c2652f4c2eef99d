// One room's side of the SDK: the live publications, and pages of its history
// whenever the timeline doesn't join up with the log.

import { messageOf } from '../model/message.js';
import { isTemporary, backoff } from '../model/outbox.js';

const PAGE = 50;
const LARGEST_PAGE = 1000; // the node's limit
const RETRY_MS = 2000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Fills the timeline. notify: {changed(), received(publication, isNewMessage),
 * subscribed(), closed(reason)}.
 */
export class Feed {
  epoch = '';
  loaded = false; // the newest messages are here
  complete = false; // the oldest message is here
  loading = false;
  #oldestOffset = 0;
  #reading = 0;

  constructor(sub, timeline, turns, notify) {
    this.sub = sub;
    this.timeline = timeline;
    this.turns = turns;
    this.notify = notify;
    sub.on('publication', (publication) => this.#take(publication));
    sub.on('subscribed', (context) => this.#subscribed(context));
    sub.on('unsubscribed', ({ code, reason }) => code !== 0 && notify.closed(reason));
  }

  /** Loads the page before the oldest message, when the reader comes near it. */
  async loadOlder() {
    if (this.loading || this.complete || !this.loaded) return;
    this.loading = true;
    this.notify.changed();
    try {
      const since = { offset: this.#oldestOffset, epoch: this.epoch };
      const page = await this.sub.history({ limit: PAGE, reverse: true, since });
      if (page.epoch === this.epoch) this.#addPage(page);
    } catch (error) {
      // The view asks again; a position that the log has left never will do.
      if (isTemporary(error)) await pause(RETRY_MS);
      else this.complete = true;
    }
    this.loading = false;
    this.notify.changed();
  }

  /** Forgets all but the newest messages. */
  trim(keep) {
    if (!this.timeline.trim(keep)) return;
    this.#oldestOffset = this.timeline.oldest.offset;
    this.complete = false;
  }

  #take(publication) {
    const message = publication.offset === undefined ? null : messageOf(publication);
    const isNew = message !== null && this.timeline.add(message);
    this.notify.received(publication, isNew ? message : null);
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
    this.timeline.begin();
    const page = await this.#insist(() => this.sub.history({ limit, reverse: true }), reading);
    if (!page) return;
    this.complete = false;
    this.epoch = page.epoch;
    this.#addPage(page);
    this.timeline.sweep();
    this.loaded = true;
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
        if (!isTemporary(error) || this.sub.state !== 'subscribed') return null;
        await pause(backoff(attempts));
      }
    }
    return null;
  }

  #addPage({ publications }) {
    if (publications.length === 0) {
      this.complete = true;
      return;
    }
    for (const publication of publications) {
      const message = messageOf(publication);
      if (message) this.timeline.add(message);
    }
    this.#oldestOffset = Math.min(...publications.map(({ offset }) => offset));
  }
}
