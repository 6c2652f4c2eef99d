// Sends the messages of one room one after the other, each until the node has
// taken it or refused it. A retry carries the same id, so the log takes the
// message once however often it is sent, and a later message can't overtake.

const ATTEMPTS = 8;
const SHORTEST_MS = 500;
const LONGEST_MS = 15_000;
const TIMEOUT = 1; // the SDK's code for a command without an answer

/**
 * node: {ready(): resolves when connected, send(item): resolves with the node's
 * reply, pause(ms)}. report: {sent(item, reply), failed(item, error)}.
 */
export class Outbox {
  #node;
  #report;
  #queue = [];
  #running = false;

  constructor(node, report) {
    this.#node = node;
    this.#report = report;
  }

  push(item) {
    if (this.#queue.some((each) => each.id === item.id)) return;
    this.#queue.push(item);
    if (!this.#running) this.#run();
  }

  async #run() {
    this.#running = true;
    while (this.#queue.length > 0) {
      await this.#deliver(this.#queue[0]);
      this.#queue.shift();
    }
    this.#running = false;
  }

  async #deliver(item) {
    let attempts = 0;
    for (;;) {
      try {
        await this.#node.ready();
        const reply = await this.#node.send(item);
        this.#report.sent(item, reply);
        return;
      } catch (error) {
        // A lost connection says nothing about the message; an answer and a
        // missing answer do.
        if (error.code >= 100 || error.code === TIMEOUT) attempts++;
        if (!isTemporary(error) || attempts >= ATTEMPTS) {
          this.#report.failed(item, error);
          return;
        }
        await this.#node.pause(backoff(attempts));
      }
    }
  }
}

/** True if the same command may succeed later: codes under 100 are the SDK's own. */
export function isTemporary(error) {
  return error.code < 100 || error.temporary === true;
}

/** Milliseconds to wait before another attempt, with jitter so that clients spread. */
export function backoff(attempts, random = Math.random()) {
  const most = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** attempts);
  return Math.round(most / 2 + (random * most) / 2);
}
