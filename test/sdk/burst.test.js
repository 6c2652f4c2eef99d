import assert from 'node:assert/strict';
import test from 'node:test';
import { combinations } from './combinations.js';
import { devToken, newProxy, open, send, subscribe, unique } from './session.js';

const options = { timeout: 60_000 };
const senders = 20;
const each = 25; // messages of a sender, under its rate limit

// sendAll has many users talk at once.
async function sendAll(t, channel) {
  const writers = await Promise.all(Array.from({ length: senders }, () =>
    open(t, combinations[0], { user: unique('writer-') })));
  await Promise.all(writers.flatMap((writer, w) =>
    Array.from({ length: each }, (_, i) => send(writer, channel, `message ${w}.${i}`))));
}

function assertAllInOrder(offsets) {
  assert.equal(offsets.length, senders * each);
  assert.deepEqual(offsets, [...new Set(offsets)].sort((a, b) => a - b));
}

for (const combination of combinations) {
  test(`${combination.name}: a burst of many senders arrives once, in the log's order`, options, async (t) => {
    const channel = unique('room:');
    const room = await subscribe(await open(t, combination, { user: unique('reader-') }), channel);
    await sendAll(t, channel);
    await room.until('all messages', () => room.publications().length >= senders * each);
    assertAllInOrder(room.publications().map(({ offset }) => offset));
  });
}

// replies gives the replies of a streamed response as they stand on the wire.
async function* replies(response) {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    text = lines.pop();
    for (const line of lines) if (line !== '') yield JSON.parse(line.replace(/^data: /, ''));
  }
}

function openStream(transport, base, connect, signal) {
  if (transport === 'http_stream') {
    return fetch(`${base}/connection/http_stream`, { method: 'POST', body: connect, signal });
  }
  return fetch(`${base}/connection/sse?cf_connect=${encodeURIComponent(connect)}`, { signal });
}

for (const transport of ['http_stream', 'sse']) {
  test(`${transport}: the wire has a burst in the log's order`, options, async (t) => {
    const { url } = await newProxy(t);
    const channel = unique('room:');
    const connect = JSON.stringify({ id: 1, connect: { token: await devToken(unique('reader-')) } });
    const abort = new AbortController();
    const response = await openStream(transport, url, connect, abort.signal);
    const offsets = [];
    let sending;
    for await (const reply of replies(response)) {
      if (reply.connect) {
        const { session, node } = reply.connect;
        const data = JSON.stringify({ id: 2, subscribe: { channel } });
        const answer = await fetch(`${url}/emulation`, { method: 'POST', body: JSON.stringify({ session, node, data }) });
        assert.ok(answer.ok, `emulation answered ${answer.status}`);
      }
      if (reply.subscribe) sending = sendAll(t, channel);
      if (reply.push?.channel === channel && reply.push.pub) offsets.push(reply.push.pub.offset);
      if (offsets.length === senders * each) break;
    }
    abort.abort();
    await sending;
    assertAllInOrder(offsets);
  });
}
