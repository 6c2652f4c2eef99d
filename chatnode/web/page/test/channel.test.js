import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelFrom, describe, directChannel, directUsers } from '../model/channel.js';

test('a direct chat has one name for both users', () => {
  assert.equal(directChannel('bob', 'ann'), 'dm:ann,bob');
  assert.equal(directChannel('ann', 'bob'), 'dm:ann,bob');
  assert.equal(directChannel('ann', 'Bob'), 'dm:Bob,ann');
});

test('commas and percent signs in users are escaped and come back', () => {
  const channel = directChannel('a,b', '100%2C');
  assert.equal(channel, 'dm:100%252C,a%2Cb');
  assert.deepEqual(directUsers(channel), ['100%2C', 'a,b']);
});

test('users sort by their bytes, not by UTF-16 units', () => {
  assert.equal(directChannel('😀', '\uffee'), 'dm:\uffee,😀');
});

test('what somebody types becomes a channel', () => {
  const meant = {
    general: 'room:general',
    ' #general ': 'room:general',
    'room:general': 'room:general',
    'two words': 'room:two words',
    '@bob': 'dm:ann,bob',
    'dm:bob,ann': 'dm:ann,bob',
  };
  for (const [typed, channel] of Object.entries(meant)) assert.deepEqual(channelFrom(typed, 'ann'), { channel }, typed);
});

test('what names no channel is explained', () => {
  for (const typed of ['', '  ', '@', '#', 'room:', 'dm:bob,carl', 'dm:ann', 'é'.repeat(65)]) {
    assert.match(channelFrom(typed, 'ann').problem, /\w/, typed);
  }
});

test('a channel is shown by the other user or the room', () => {
  assert.deepEqual(describe('dm:ann,bob', 'ann'), { direct: true, title: 'bob' });
  assert.deepEqual(describe('dm:ann,bob', 'bob'), { direct: true, title: 'ann' });
  assert.deepEqual(describe('dm:ann,ann', 'ann'), { direct: true, title: 'ann (you)' });
  assert.deepEqual(describe('room:lobby', 'ann'), { direct: false, title: 'lobby' });
});
