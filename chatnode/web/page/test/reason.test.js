import assert from 'node:assert/strict';
import test from 'node:test';
import { reasonOf } from '../model/reason.js';

test('what the node says becomes a sentence with the names that people know', () => {
  const error = { code: 103, message: 'you are banned from room:0192-f' };
  assert.equal(reasonOf(error, { 'room:0192-f': '#Plans for $& and $1' }), 'You are banned from #Plans for $& and $1.');
  assert.equal(reasonOf({ code: 107, message: 'The text is empty.' }), 'The text is empty.');
});

test('moments are told in the time of the reader', () => {
  const words = reasonOf({ code: 103, message: 'you are muted in room:a until 2026-11-20T19:20:00Z' }, { 'room:a': '#a' });
  assert.match(words, /^You are muted in #a until [^TZ]*20[^TZ]*\.$/);
});

test('a lost connection and a refusal without words have words too', () => {
  assert.equal(reasonOf({ code: 1, message: 'timeout' }), 'The node does not answer. Try again.');
  assert.equal(reasonOf({ code: 100, message: '' }), 'The node refused it and did not say why.');
});
