import assert from 'node:assert/strict';
import test from 'node:test';
import { call, connect, tokenOf, transports, unique } from './client.js';

const limits = { timeout: 120_000 };
const [via] = transports;
const app = 'tilechat';

test('a group that is made over HTTP talks over MQTT', limits, async (t) => {
  const [ann, bob, carl] = [await connect(t, via, unique('ann')), await connect(t, via, unique('bob')), await connect(t, via, unique('carl'))];
  const id = unique('group');
  const made = await call('POST', `${app}/groups`, tokenOf(ann.user), {
    group_id: id, group_name: 'Friends', group_members: { [bob.user]: 1 },
  });
  assert.equal(made.status, 201);
  assert.deepEqual(made.answer.group.members, { [ann.user]: 1, [bob.user]: 1 });
  const labelled = (key) => (m) => m.attributes?.messagelabel?.key === key;
  for (const each of [ann, bob]) await each.hear(`messages/${id}/clientadded`, labelled('GROUP_CREATED'));

  await bob.say(id, { text: 'hello', channel_type: 'group' });
  for (const each of [ann, bob]) {
    const m = await each.hear(`messages/${id}/clientadded`, ({ text }) => text === 'hello');
    assert.deepEqual([m.status, m.sender, m.recipient], [150, bob.user, id]);
  }

  assert.equal((await call('POST', `${app}/groups/${id}/members`, tokenOf(ann.user), { member_id: carl.user })).status, 200);
  const old = await carl.hear(`messages/${id}/clientadded`, (m) => m.__history === 'true' && m.text === 'hello');
  assert.equal(old.attributes.sendnotification, false);
  const told = await carl.hear(`groups/${id}/clientupdated`);
  assert.equal(told.members[carl.user], 1);

  const { answer } = await call('GET', `${app}/${carl.user}/conversations/${id}/messages`, tokenOf(carl.user));
  assert.ok(answer.result.some(({ text }) => text === 'hello'));
});

test('a message over HTTP comes over MQTT, and is there to be read before it comes', limits, async (t) => {
  const bob = await connect(t, via, unique('bob'));
  const user = unique('ann');
  const sent = await call('POST', `${app}/messages`, tokenOf(user), {
    sender_fullname: 'Ann', recipient_id: bob.user, recipient_fullname: 'Bob', text: 'over HTTP',
  });
  assert.deepEqual(sent, { status: 200, answer: { success: true } });
  const heard = await bob.hear(`messages/${user}/clientadded`);
  const { answer } = await call('GET', `${app}/${bob.user}/conversations/${user}/messages`, tokenOf(bob.user));
  assert.equal(answer.result[0].message_id, heard.message_id);
  const list = await call('GET', `${app}/${bob.user}/conversations`, tokenOf(bob.user));
  assert.deepEqual(list.answer.result.map((c) => [c.conversWith, c.is_new, c.last_message_text]), [[user, true, 'over HTTP']]);
});

test('the API lets nobody in without a good token', limits, async () => {
  const user = unique('ann');
  for (const token of [undefined, 'none', tokenOf(user, {}, 'another key'), tokenOf(user, { exp: 1 })]) {
    assert.deepEqual(await call('GET', `${app}/${user}/conversations`, token), { status: 403, answer: { success: false, msg: 'Unauthorized.' } });
  }
  assert.equal((await call('GET', `other/${user}/conversations`, tokenOf(user))).status, 401);
});
