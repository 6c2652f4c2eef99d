import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mentionsIn } from '../model/mentions.js';
import { mutedUntil, outranks, rightsOf } from '../model/rights.js';

const as = (kind, role, more) => ({ kind, me: role ? { membership: 'joined', role } : {}, ...more });
const given = (info, direct = false) =>
  Object.entries(rightsOf(info, direct))
    .filter(([, may]) => may)
    .map(([right]) => right)
    .join(' ');

test('what is offered depends on kind and role', () => {
  const table = [
    [null, 'write react seeMembers join'],
    [as('open'), 'write react seeMembers join'],
    [as('open', 'reader'), 'seeMembers leave'],
    [as('group', 'member'), 'write react seeMembers leave invite'],
    [as('group', 'moderator'), 'write react moderate seeMembers leave invite add expel'],
    [as('group', 'owner'), 'write react moderate seeMembers leave invite add expel setRole update remove'],
    [as('channel'), 'join'],
    [as('channel', 'member'), 'react seeMembers leave'],
    [as('channel', 'moderator'), 'write react moderate seeMembers leave invite add expel'],
    [as('group', 'owner', { archived: true }), 'moderate seeMembers leave expel setRole update remove'],
    [as('open', '', { join: 'invite' }), 'write react seeMembers'],
    [{ kind: 'group', me: { membership: 'invited', role: 'member' } }, 'join leave'],
  ];
  for (const [info, rights] of table) assert.equal(given(info), rights, JSON.stringify(info));
});

test('the two of a direct conversation are equal', () => {
  assert.equal(given(null, true), 'write react seeMembers');
  assert.equal(given({ kind: 'direct', me: { membership: 'joined', role: 'member' } }, true), 'write react seeMembers');
});

test('one acts upon those of a lesser role', () => {
  assert.ok(outranks('owner', 'moderator') && outranks('member', 'reader'));
  assert.ok(!outranks('moderator', 'moderator') && !outranks('', 'reader'));
});

test('users are mentioned by their whole name', () => {
  assert.deepEqual(mentionsIn('@bob, ask @ann.lee. Or @bobby', ['ann', 'ann.lee', 'bob', 'bob', 'cid']), ['ann.lee', 'bob']);
  assert.deepEqual(mentionsIn('nobody', ['bob']), []);
});

test('who is muted reads, until the time is over', () => {
  const now = 1_000_000;
  const info = { kind: 'group', me: { membership: 'joined', role: 'member', muted_until: now + 1 } };
  assert.equal(mutedUntil(info, now), now + 1);
  assert.equal(rightsOf(info, false, now).write, false);
  assert.equal(rightsOf(info, false, now).react, false);
  assert.equal(mutedUntil(info, now + 1), 0);
  assert.equal(rightsOf(info, false, now + 1).write, true);
  assert.equal(mutedUntil(null, now), 0);
});
