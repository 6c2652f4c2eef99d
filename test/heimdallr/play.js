// Clients of heimdallr in one room: each says the next thing when the last one has come back, and goes to the next node when its
// connection ends. Reads "ended" from its standard input when a node has; writes "playing" when all play, and at the end what was heard.
import readline from 'node:readline';
import WebSocket from 'ws';

const nodes = process.env.HEIMDALLR_URLS.split(',');
const playersPerNode = 4;
const enough = 40; // messages that come back to each player, before and after the end of a node

const say = (userId, text) => JSON.stringify({ msgType: 'user', userId, text, date: Date.now() });

class Player {
  constructor(name, node) {
    Object.assign(this, { name, node, heard: [], own: [], notices: [], codes: [], said: 0, back: 0 });
    this.connect();
  }

  connect() {
    const socket = new WebSocket(nodes[this.node]);
    socket.on('open', () => {
      this.heard.push([]); // what a connection hears has no holes, but there may be one before the next
      this.next(socket);
    });
    socket.on('message', (data, binary) => this.take(socket, String(data), binary));
    socket.on('error', () => {}); // close follows
    socket.on('close', (code) => {
      this.codes.push(code);
      if (over) return;
      this.node = (this.node + 1) % nodes.length;
      setTimeout(() => this.connect(), 50);
    });
    this.socket = socket;
  }

  next(socket) {
    if (this.name.startsWith('witness')) return;
    this.waiting = `${this.name}-${this.said++}`;
    socket.send(say(this.name, this.waiting));
  }

  take(socket, text, binary) {
    if (binary) throw new Error('a binary message');
    const message = JSON.parse(text);
    if (message.protocol !== undefined) {
      this.notices.push(message);
      return;
    }
    this.heard.at(-1).push(message.text);
    if (message.text !== this.waiting) return;
    this.own.push(message.text);
    this.back++;
    if (!over) this.next(socket);
  }
}

let over = false;
const players = nodes.flatMap((_, node) => Array.from({ length: playersPerNode }, (_, i) => new Player(`player-${node}-${i}`, node)));
const witness = new Player('witness', nodes.length - 1);
const talkers = players.filter((player) => player !== witness);

const until = async (what, condition) => {
  for (const deadline = Date.now() + 120_000; !condition(); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
  }
};

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
await until('the witness', () => witness.heard.length === 1);
await until('messages to come back', () => talkers.every((player) => player.back >= enough));
console.log('playing');
if ((await lines.next()).value !== 'ended') throw new Error('no node has ended');
for (const player of talkers) player.back = 0;
await until('messages to come back after the end of a node', () => talkers.every((player) => player.back >= enough));
over = true;
// The witness has stayed where it was. What it heard before it came is not its to tell.
const known = () => new Set(witness.heard.flat());
await until('the witness to hear the last', () => talkers.every((player) => known().has(player.own.at(-1))));
const result = [witness, ...talkers].map(({ name, heard, own, notices, codes }) => ({ name, heard, own, notices, codes }));
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
