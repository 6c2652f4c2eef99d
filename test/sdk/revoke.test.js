import assert from 'node:assert/strict';
import test from 'node:test';
import { combinations } from './combinations.js';
import { call, devToken, open, unique } from './session.js';

const options = { timeout: 60_000 };

// They mostly wait, so they do it together.
test('revocation', { ...options, concurrency: true }, (t) => Promise.all(combinations.flatMap((combination) => [
  t.test(`${combination.name}: a revoked client comes back with a new token`, options, async (t) => {
    const user = unique('ann-');
    let asked = 0;
    const session = await open(t, combination, {
      token: await devToken(user),
      getToken: () => {
        asked++;
        return devToken(user);
      },
    });
    await call('Revoke', { user });
    await session.recorder.until('connected again', (r) => r.all('connected').length === 2);
    assert.equal(session.recorder.all('connecting').find(({ code }) => code >= 3000).code, 3005);
    assert.ok(asked >= 1);
    assert.equal(session.recorder.all('disconnected').length, 0);
  }),

  t.test(`${combination.name}: a banned client stays away`, options, async (t) => {
    const user = unique('ann-');
    const session = await open(t, combination, { token: await devToken(user), getToken: () => devToken(user) });
    await call('Revoke', { user, ban: true });
    const { code } = await session.recorder.next('disconnected');
    assert.equal(code, 3503);
  }),
])));

test('an announcement reaches every client', options, async (t) => {
  const sessions = await Promise.all(combinations.map((combination) => open(t, combination, { user: unique('ann-') })));
  const id = unique('');
  await call('Announce', { id, text: 'hear' });
  for (const session of sessions) {
    const about = ({ data }) => session.decode(data).id === id;
    const { data } = await session.recorder.next('publication', about);
    assert.equal(session.decode(data).text, 'hear');
  }
});
