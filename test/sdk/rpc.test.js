import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { combinations } from './combinations.js';
import { number, open, send, subscribe, unique } from './session.js';

const options = { timeout: 60_000 };

for (const combination of combinations) {
  test(`${combination.name}: the same id sent ten times is one message`, options, async (t) => {
    const user = unique('ann-');
    const channel = unique('room:');
    const session = await open(t, combination, { user });
    const room = await subscribe(session, channel);
    const id = randomUUID();
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await send(session, channel, 'once', id));
    session.proxy.cut();
    session.proxy.restore();
    for (let i = 0; i < 3; i++) answers.push(await send(session, channel, 'once', id));
    const again = await open(t, combination, { user });
    for (let i = 0; i < 2; i++) answers.push(await send(again, channel, 'once', id));

    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.equal(answers[0].id, id);
    assert.ok(answers[0].offset > 0);
    assert.ok(Math.abs(answers[0].time - Date.now()) < 60_000, `time ${answers[0].time} is not now, in ms`);
    await send(session, channel, 'twice');
    await room.until('the second message', () => room.texts().includes('twice'));
    assert.deepEqual(room.texts(), ['once', 'twice']);
    const { publications } = await again.client.history(channel, { limit: 10 });
    assert.equal(publications.length, 2);
    assert.equal(number(publications[0].offset), answers[0].offset);
  });

  test(`${combination.name}: the same id in two rooms is two messages`, options, async (t) => {
    const session = await open(t, combination, { user: unique('ann-') });
    const id = randomUUID();
    for (const channel of [unique('room:'), unique('room:')]) {
      const room = await subscribe(session, channel);
      await send(session, channel, 'here', id);
      await room.next('publication');
      assert.deepEqual(room.texts(), ['here']);
    }
  });

  test(`${combination.name}: an unknown method is an error of its own`, options, async (t) => {
    const session = await open(t, combination, { user: unique('ann-') });
    await assert.rejects(session.rpc('chat.no_such', {}), { code: 104 });
    await assert.rejects(session.rpc('', {}), (error) => [104, 107].includes(error.code));
    assert.equal(session.recorder.all('disconnected').length, 0);
  });
}
