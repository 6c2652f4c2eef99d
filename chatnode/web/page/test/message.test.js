import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAfter, markAt } from '../model/mark.js';
import { messageOf, typingOf } from '../model/message.js';

const event = { id: 'x', type: 'message', sender: 'ann', time: 5, text: 'hi' };

test('a message event becomes a message', () => {
  assert.deepEqual(messageOf({ offset: 7, data: event }), { id: 'x', sender: 'ann', time: 5, text: 'hi', code: false, offset: 7 });
});

test('a message of data is shown as data', () => {
  const message = messageOf({ offset: 7, data: { ...event, text: undefined, data: { a: 1 } } });
  assert.equal(message.text, '{\n  "a": 1\n}');
  assert.equal(message.code, true);
});

test('anything else is no message', () => {
  const others = [null, undefined, 'text', 7, [], {}, { ...event, type: 'edit' }, { ...event, id: 7 }, { ...event, time: 'now' }, { ...event, sender: {} }];
  for (const data of others) assert.equal(messageOf({ offset: 1, data }), null, JSON.stringify(data));
});

test('typing is a signal of a sender', () => {
  assert.deepEqual(typingOf({ data: { type: 'typing', sender: 'ann', typing: true } }), { sender: 'ann', typing: true });
  for (const data of [null, {}, event, { type: 'typing', sender: 7 }]) assert.equal(typingOf({ data }), null);
});

test('unread is what stands behind the mark, by time when offsets count something else', () => {
  const mark = markAt({ offset: 10, time: 1000 }, 'e1');
  assert.ok(isAfter({ offset: 11, time: 900 }, mark, 'e1'));
  assert.ok(!isAfter({ offset: 10, time: 1000 }, mark, 'e1'));
  assert.ok(isAfter({ offset: 2, time: 1001 }, mark, 'e2'));
  assert.ok(!isAfter({ offset: 20, time: 1000 }, mark, 'e2'));
  assert.ok(isAfter({ offset: 1, time: 1 }, null, 'e1'));
});
