import assert from 'node:assert/strict';
import test from 'node:test';
import { combinations } from './combinations.js';
import { fill, newProxy, open, send, subscribe, unique } from './session.js';

const options = { timeout: 120_000 };

for (const combination of combinations) {
  for (const missed of [0, 1, 300]) {
    test(`${combination.name}: ${missed} messages missed by a cut arrive once and in order`, options, async (t) => {
      const channel = unique('room:');
      const proxy = await newProxy(t);
      const reader = await open(t, combination, { user: unique('reader-'), proxy });
      const room = await subscribe(reader, channel, { recoverable: true, positioned: true });
      const writer = await open(t, combinations[0], { user: unique('writer-') });
      const expected = ['before'];
      await send(writer, channel, 'before');
      await room.next('publication');

      proxy.cut();
      await room.next('subscribing');
      expected.push(...await fill(t, combinations[0], channel, 0, missed));
      proxy.restore();
      const again = await room.until('subscribed again', () => room.all('subscribed')[1]);
      assert.equal(again.wasRecovering, true);
      assert.equal(again.recovered, true);

      expected.push('after');
      await send(writer, channel, 'after');
      await room.until('the last message', () => room.texts().includes('after'));
      assert.deepEqual(room.texts(), expected);
    });
  }
}

// Not with the fragile SDK build: while messages flow it was seen to repeat one, and once to stop short, on a busy machine and in a few
// runs of a hundred. It drops its connection when a message arrives in two pieces, which would explain that; it is not proven.
for (const combination of combinations.filter(({ fragile }) => !fragile)) {
  test(`${combination.name}: cuts while messages flow lose nothing`, options, async (t) => {
    const channel = unique('room:');
    const proxy = await newProxy(t);
    const reader = await open(t, combination, { user: unique('reader-'), proxy });
    const room = await subscribe(reader, channel, { recoverable: true, positioned: true });
    const writing = fill(t, combinations[0], channel, 0, 200);
    for (const seen of [10, 50, 100, 150]) {
      await room.until(`${seen} messages`, () => room.texts().length >= seen);
      proxy.cut();
      proxy.restore();
    }
    const texts = await writing;
    await room.until('the last message', () => room.texts().includes(texts.at(-1)));
    assert.deepEqual(room.texts(), texts);
    for (const { recovered } of room.all('subscribed').slice(1)) assert.equal(recovered, true);
  });

  test(`${combination.name}: twenty rooms come back in order while messages flow`, options, async (t) => {
    const channels = Array.from({ length: 20 }, () => unique('room:'));
    const proxy = await newProxy(t);
    const reader = await open(t, combination, { user: unique('reader-'), proxy });
    const rooms = await Promise.all(channels.map((channel) => subscribe(reader, channel)));
    const writers = await Promise.all(channels.map(() => open(t, combinations[0], { user: unique('writer-') })));
    const texts = Array.from({ length: 30 }, (_, i) => `message ${i}`);
    proxy.cut();
    const writing = Promise.all(channels.map(async (channel, i) => {
      for (const text of texts) await send(writers[i], channel, text);
    }));
    proxy.restore();
    await writing;
    for (const room of rooms) {
      await room.until('all messages', () => room.texts().length >= texts.length);
      assert.deepEqual(room.texts(), texts);
    }
  });
}
