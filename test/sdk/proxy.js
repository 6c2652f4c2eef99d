// A TCP proxy between the SDK and the nodes, so that a test can cut its
// connections, as a network does: without a close frame or an answer.
import net from 'node:net';

export class Proxy {
  #targets;
  #next = 0;
  #refusing = false;
  #sockets = new Set();
  #server = net.createServer((socket) => this.#join(socket));

  // targets are URLs; connections go to them in turn.
  constructor(targets) {
    this.#targets = targets.map((target) => new URL(target));
  }

  async listen() {
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return this;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  // cut drops every connection and lets no new one through until restore.
  cut() {
    this.#refusing = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  restore() {
    this.#refusing = false;
  }

  async close() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(downstream) {
    if (this.#refusing) {
      downstream.destroy();
      return;
    }
    const target = this.#targets[this.#next++ % this.#targets.length];
    const upstream = net.connect(Number(target.port), target.hostname);
    this.#keep(downstream, upstream);
    this.#keep(upstream, downstream);
    downstream.pipe(upstream);
    upstream.pipe(downstream);
  }

  #keep(socket, other) {
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      other.destroy();
    });
  }
}
