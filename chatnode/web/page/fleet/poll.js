// Asks the node for the load documents of the fleet once a second.

import { Series, totals } from '../model/series.js';

const EVERY_MS = 1000;
const PATIENCE_MS = 3000;

/** Fires "change". problem is "", "absent" (not served) or "unreachable". */
export class Fleet extends EventTarget {
  nodes = null; // not known before the first answer
  problem = '';
  answeredAt = 0;
  total = new Series();
  perNode = new Map(); // name → Series
  #stopped = false;

  async run() {
    while (!this.#stopped) {
      const began = Date.now();
      await this.#ask();
      this.dispatchEvent(new Event('change'));
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, EVERY_MS - (Date.now() - began))));
    }
  }

  stop() {
    this.#stopped = true;
  }

  async #ask() {
    try {
      const response = await fetch('/fleet.json', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) });
      if (response.status === 404) {
        this.problem = 'absent';
        return;
      }
      if (!response.ok) throw new Error(`status ${response.status}`);
      this.#take(await response.json());
      this.problem = '';
    } catch {
      this.problem = 'unreachable';
    }
  }

  #take(nodes) {
    const now = Date.now();
    this.answeredAt = now;
    this.nodes = [...nodes].sort((a, b) => String(a.node).localeCompare(String(b.node)));
    this.total.push(now, totals(this.nodes));
    for (const node of this.nodes) {
      if (!this.perNode.has(node.node)) this.perNode.set(node.node, new Series());
      this.perNode.get(node.node).push(now, totals([node]));
    }
    for (const name of this.perNode.keys()) {
      if (!this.nodes.some(({ node }) => node === name)) this.perNode.delete(name);
    }
  }
}
