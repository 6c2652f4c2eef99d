import assert from 'node:assert/strict';
import test from 'node:test';
import { combinations } from './combinations.js';
import { devToken, open, subscribe, unique } from './session.js';

const options = { timeout: 60_000 };

for (const combination of combinations) {
  test(`${combination.name}: connects with a development token`, options, async (t) => {
    const user = unique('ann-');
    const session = await open(t, combination, { user });
    const connected = await session.recorder.next('connected');
    assert.equal(connected.transport, combination.transport);
    assert.notEqual(session.id, '');
    const { channel } = await session.recorder.next('subscribed', (event) => event.channel.startsWith('user:'));
    assert.equal(channel, `user:${user}`);
  });

  test(`${combination.name}: an anonymous connection uses an open channel`, options, async (t) => {
    const session = await open(t, combination);
    const channel = unique('news-');
    const news = await subscribe(session, channel);
    await session.publish(channel, { headline: 'nothing new é 🙂' });
    const { data } = await news.next('publication');
    assert.deepEqual(session.decode(data), { headline: 'nothing new é 🙂' });
  });

  test(`${combination.name}: a forged token is final`, options, async (t) => {
    const token = await devToken('ann');
    const [header, payload, signature] = token.split('.');
    const forged = [header, payload, signature.split('').reverse().join('')].join('.');
    const session = await open(t, combination, { token: forged });
    const { code } = await session.recorder.next('disconnected');
    assert.equal(code, 3500);
  });

  test(`${combination.name}: an unsigned token is final`, options, async (t) => {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const session = await open(t, combination, { token: `${part({ alg: 'none' })}.${part({ sub: 'ann' })}.` });
    const { code } = await session.recorder.next('disconnected');
    assert.equal(code, 3500);
  });

  test(`${combination.name}: an expired token is replaced by a new one`, options, async (t) => {
    const expired = await devToken('ann', 1);
    await new Promise((resolve) => setTimeout(resolve, expiry(expired) - Date.now() + 100));
    const session = await open(t, combination, { token: expired, getToken: () => devToken('ann') });
    await session.recorder.next('connected');
    assert.equal((await session.recorder.next('error')).error.code, 109);
  });
}

// They mostly wait, so they do it together.
test('refresh', { ...options, concurrency: true }, (t) => Promise.all(combinations.map((combination) =>
  t.test(`${combination.name}: a token is refreshed while the connection lives`, options, async (t) => {
    const user = unique('ann-');
    let asked = 0;
    const session = await open(t, combination, {
      token: await devToken(user, 2),
      getToken: () => {
        asked++;
        return devToken(user, 2);
      },
    });
    const channel = unique('room:');
    const room = await subscribe(session, channel);
    // Each message that arrives is a chance to look again at the number of refreshes.
    for (let i = 0; asked < 3; i++) {
      await session.publish(channel, { text: `still here ${i}` });
      await room.until('own publication', () => room.texts().length > i);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.equal(session.recorder.all('connected').length, 1, 'the connection was made anew');
    assert.equal(session.recorder.all('disconnected').length, 0);
  }))));

// expiry is when a token ends, in ms since the epoch.
function expiry(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).exp * 1000;
}
