import assert from 'node:assert/strict';
import test from 'node:test';
import { combinations } from './combinations.js';
import { number, open, subscribe, unique } from './session.js';

const options = { timeout: 60_000 };

for (const combination of combinations) {
  test(`${combination.name}: a sender gets its own publication`, options, async (t) => {
    const user = unique('ann-');
    const session = await open(t, combination, { user });
    const channel = unique('room:');
    const room = await subscribe(session, channel);
    await session.publish(channel, { text: 'hello é 🙂' });
    const publication = await room.next('publication');
    const event = session.decode(publication.data);
    assert.equal(event.text, 'hello é 🙂');
    assert.equal(event.type, 'message');
    assert.equal(event.sender, user);
    assert.ok(event.id, 'the server chose no id');
    assert.ok(number(publication.offset) > 0);
    assert.equal(publication.info.user, user);
    assert.equal(publication.info.client, session.id);
  });

  test(`${combination.name}: many small messages arrive in order`, options, async (t) => {
    const session = await open(t, combination, { user: unique('ann-') });
    const channel = unique('room:');
    const room = await subscribe(session, channel);
    const texts = Array.from({ length: 30 }, (_, i) => `message ${i}`);
    for (const text of texts) await session.publish(channel, { text });
    await room.until('all of them', () => room.texts().length >= texts.length);
    assert.deepEqual(room.texts(), texts);
  });

  test(`${combination.name}: presence names every connection`, options, async (t) => {
    const [ann, bob] = [unique('ann-'), unique('bob-')];
    const channel = unique('room:');
    const sessions = [];
    for (const user of [ann, ann, bob]) {
      const session = await open(t, combination, { user });
      await subscribe(session, channel);
      sessions.push(session);
    }
    const expected = Object.fromEntries(sessions.map(({ id, user }) => [id, user]));
    // A node tells the others once a second at most.
    const clients = await soon(async () => {
      const presence = await sessions[0].client.presence(channel);
      return Object.keys(presence.clients).length === sessions.length && presence.clients;
    });
    assert.deepEqual(Object.fromEntries(Object.entries(clients).map(([id, info]) => [id, info.user])), expected);
    for (const [id, info] of Object.entries(clients)) assert.equal(info.client, id);
    assert.deepEqual(await sessions[2].client.presenceStats(channel), { numClients: 3, numUsers: 2 });
  });

  test(`${combination.name}: members see each other come and go`, options, async (t) => {
    const channel = unique('room:');
    const ann = await open(t, combination, { user: unique('ann-') });
    const room = await subscribe(ann, channel, { joinLeave: true });
    const bob = await open(t, combination, { user: unique('bob-') });
    const { subscription } = await subscribe(bob, channel, { joinLeave: true });
    const joined = await room.next('join', ({ info }) => info.user === bob.user);
    assert.equal(joined.info.client, bob.id);
    subscription.unsubscribe();
    const left = await room.next('leave', ({ info }) => info.user === bob.user);
    assert.equal(left.info.client, bob.id);

    const carl = await open(t, combination, { user: unique('carl-') });
    await subscribe(carl, channel, { joinLeave: true });
    await room.next('join', ({ info }) => info.user === carl.user);
    carl.client.disconnect();
    await room.next('leave', ({ info }) => info.user === carl.user);
  });

  test(`${combination.name}: after unsubscribe nothing arrives, and subscribing again works`, options, async (t) => {
    const session = await open(t, combination, { user: unique('ann-') });
    const channel = unique('room:');
    const room = await subscribe(session, channel);
    room.subscription.unsubscribe();
    // Emulation requests may overtake each other: wait until this one has arrived.
    await soon(async () => (await session.client.presenceStats(channel)).numClients === 0);
    await session.publish(channel, { text: 'not for me' });
    // A new subscription, because the old one would recover what it missed.
    session.client.removeSubscription(room.subscription);
    const again = await subscribe(session, channel);
    await session.publish(channel, { text: 'for me' });
    await again.until('own publication', () => again.texts().includes('for me'));
    assert.deepEqual(room.texts(), []);
  });

  test(`${combination.name}: what belongs to others is forbidden`, options, async (t) => {
    const session = await open(t, combination, { user: unique('ann-') });
    for (const channel of ['user:other', 'dm:bob,carl']) {
      const recorder = await subscribe(session, channel);
      const { code } = await recorder.next('unsubscribed');
      assert.equal(code, 103, channel);
      await assert.rejects(session.publish(channel, { text: 'x' }), { code: 103 });
      await assert.rejects(session.client.history(channel, { limit: 1 }), { code: 103 });
      await assert.rejects(session.client.presence(channel), { code: 103 });
    }
    assert.equal(session.recorder.all('disconnected').length, 0);
  });
}

// soon asks again until the answer is true.
async function soon(ask) {
  for (const end = Date.now() + 15_000; ; ) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error('never the expected answer');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
