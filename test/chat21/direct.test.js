import assert from 'node:assert/strict';
import test from 'node:test';
import { connect, options, refusal, tokenOf, transports, unique } from './client.js';

const limits = { timeout: 120_000 };

for (const via of transports) {
  test(`${via.name}: a direct message goes from one client to another`, limits, async (t) => {
    const [ann, bob] = [await connect(t, via, unique('ann')), await connect(t, via, unique('bob'))];
    await ann.say(bob.user, {
      text: 'hello é 🙂', type: 'text', recipient_fullname: 'Bob', sender_fullname: 'Ann', attributes: { a: [1, 2] }, metadata: null,
      channel_type: 'direct',
    });
    const sent = await ann.hear(`messages/${bob.user}/clientadded`);
    const received = await bob.hear(`messages/${ann.user}/clientadded`);
    assert.equal(sent.status, 100);
    assert.equal(received.status, 150);
    assert.deepEqual({ ...sent, status: 0 }, { ...received, status: 0 });
    assert.equal(received.text, 'hello é 🙂');
    assert.equal(received.sender, ann.user);
    assert.deepEqual(received.attributes, { a: [1, 2] });

    await bob.publish(`messages/${ann.user}/${received.message_id}/update`, { status: 200 });
    assert.deepEqual(await ann.hear(`messages/${bob.user}/${sent.message_id}/clientupdated`), {
      timelineOf: ann.user, message_id: sent.message_id, status: 250,
    });
    await bob.publish(`conversations/${ann.user}/update`, { is_new: false });
    assert.deepEqual(await bob.hear(`conversations/${ann.user}/clientupdated`), {
      is_new: false, timelineOf: bob.user, conversWith: ann.user,
    });
    await bob.publish(`conversations/${ann.user}/archive`, {});
    const archived = await bob.hear(`conversations/${ann.user}/clientdeleted`);
    assert.equal(archived.archived, true);
    assert.deepEqual(await bob.hear(`archived_conversations/${ann.user}/clientadded`), archived);
  });

  test(`${via.name}: QoS 1 is acknowledged once the message is stored, and delivered where it is asked for`, limits, async (t) => {
    const [ann, bob] = [await connect(t, via, unique('ann'), { qos: 1 }), await connect(t, via, unique('bob'), { qos: 1 })];
    const count = 50;
    for (let i = 0; i < count; i++) await ann.say(bob.user, { text: `number ${i}` }, 1);
    for (let i = 0; i < count; i++) assert.equal((await bob.hear(`messages/${ann.user}/clientadded`)).text, `number ${i}`);
  });

  test(`${via.name}: every session of a user is told, and echoes what the user does`, limits, async (t) => {
    const user = unique('ann');
    const sessions = [await connect(t, via, user, { node: 0 }), await connect(t, via, user, { node: 1 })];
    const bob = await connect(t, via, unique('bob'));
    await bob.say(user, { text: 'to all of you' });
    for (const each of sessions) assert.equal((await each.hear(`messages/${bob.user}/clientadded`)).text, 'to all of you');
    await sessions[0].publish(`presence/${sessions[0].id}`, { connected: true });
    for (const each of sessions) assert.deepEqual(await each.hear(`presence/${sessions[0].id}`), { connected: true });
    sessions[0].link.stream.destroy(); // without DISCONNECT
    assert.deepEqual(await sessions[1].hear(`presence/${sessions[0].id}`), { disconnected: true });
  });

  test(`${via.name}: a session that was to last begins anew, and its client subscribes again`, limits, async (t) => {
    const [ann, bob] = [await connect(t, via, unique('ann'), { qos: 1, more: { clean: false, reconnectPeriod: 50 } }), await connect(t, via, unique('bob'))];
    const again = new Promise((resolve) => { ann.link.once('connect', resolve); });
    ann.link.stream.destroy();
    assert.equal((await again).sessionPresent, false);
    await ann.link.subscribeAsync(ann.topic('presence/#'), { qos: 1 }); // is answered behind the filters that the library repeats
    await bob.say(ann.user, { text: 'after that' });
    assert.equal((await ann.hear(`messages/${bob.user}/clientadded`)).text, 'after that');
  });

  test(`${via.name}: wrong tokens are refused with the code for it`, limits, async () => {
    const user = unique('ann');
    for (const token of [tokenOf(user, {}, 'another key'), tokenOf(user, { exp: 1 }), tokenOf(user, { app_id: '' }), 'no token', '']) {
      assert.equal((await refusal(via, options(user, token))).code, 4, token);
    }
  });

  test(`${via.name}: nobody hears or speaks for another`, limits, async (t) => {
    const [ann, bob] = [await connect(t, via, unique('ann')), await connect(t, via, unique('bob'))];
    for (const filter of ['#', 'apps/#', 'apps/tilechat/users/+/#', `apps/tilechat/users/${bob.user}/#`, `apps/other/users/${ann.user}/#`]) {
      await assert.rejects(ann.link.subscribeAsync(filter), filter);
    }
    const closed = new Promise((resolve) => { ann.link.once('close', resolve); });
    await ann.link.publishAsync(`apps/tilechat/outgoing/users/${bob.user}/messages/x/outgoing`, '{"text":"as bob"}');
    await closed;
  });
}
