import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAfter, markAt } from '../model/mark.js';
import { changeOf, messageFrom, messageOf, receiptOf, typingOf } from '../model/message.js';

const event = { id: 'x', type: 'message', sender: 'ann', time: 5, text: 'hi' };
const plain = { code: false, replyTo: '', attachments: [], thread: 0, edited: 0, deleted: false, reactions: [], replies: 0 };

test('a message event becomes a message', () => {
  assert.deepEqual(messageOf({ offset: 7, data: event }), { ...plain, id: 'x', sender: 'ann', time: 5, text: 'hi', offset: 7, asOf: 7 });
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

test('only files that a browser fetches safely are attachments', () => {
  const attachments = [{ url: 'https://files.example/a', name: 'a.png' }, { url: 'javascript:alert(1)' }, null, { url: 7 }];
  assert.deepEqual(messageOf({ offset: 1, data: { ...event, attachments } }).attachments, [{ url: 'https://files.example/a', name: 'a.png' }]);
});

test('a message of a page contains what happened up to the end of the room', () => {
  const told = { id: 'x', offset: 3, sender: 'ann', time: 5, text: 'new', edited: 9, reactions: [{ reaction: '👍', count: 1, users: ['bob'] }], replies: 2 };
  const message = messageFrom(told, 20);
  assert.deepEqual([message.asOf, message.edited, message.reactions[0].users, message.replies], [20, 9, ['bob'], 2]);
  assert.equal(messageFrom({ id: 's', offset: 4, time: 1, text: 'of a server' }, 20).sender, '');
});

test('an edit has everything to show its message without the original', () => {
  const data = { id: 'e', type: 'edit', sender: 'ann', time: 9, target: 3, of: 'x', sent: 5, text: 'new', reply_to: 'q', thread: 2 };
  const change = changeOf({ offset: 8, data });
  assert.deepEqual([change.kind, change.offset, change.target], ['edit', 8, 3]);
  assert.deepEqual(change.message, { ...plain, id: 'x', sender: 'ann', time: 5, text: 'new', offset: 3, asOf: 8, replyTo: 'q', thread: 2, edited: 9 });
});

test('a deletion tells of whom the message was', () => {
  const { message } = changeOf({ offset: 8, data: { id: 'd', type: 'delete', sender: 'mod', time: 9, target: 3, of: 'x', sent: 5, author: 'ann' } });
  assert.deepEqual([message.id, message.sender, message.offset, message.deleted, message.text], ['x', 'ann', 3, true, '']);
});

test('what changes nothing that can be shown is no change', () => {
  const edit = { id: 'e', type: 'edit', sender: 'ann', time: 9, target: 3, of: 'x', sent: 5, text: 'new' };
  const others = [null, 7, event, { ...edit, target: '3' }, { ...edit, of: 7 }, { ...edit, type: 'other' }, { type: 'reaction', target: 3, sender: 'ann' }, { type: 'reaction', target: 3, reaction: 'x' }];
  for (const data of others) assert.equal(changeOf({ offset: 1, data }), null, JSON.stringify(data));
  assert.equal(changeOf({ data: edit }), null, 'a signal');
});

test('typing and receipts are signals of a user', () => {
  assert.deepEqual(typingOf({ data: { type: 'typing', sender: 'ann', typing: true } }), { sender: 'ann', typing: true });
  assert.deepEqual(receiptOf({ data: { type: 'receipt', user: 'ann', read: 4 } }), { user: 'ann', read: 4, delivered: 0 });
  for (const data of [null, {}, event, { type: 'typing', sender: 7 }, { type: 'receipt', user: 7 }]) {
    assert.equal(typingOf({ data }), null);
    assert.equal(receiptOf({ data }), null);
  }
});

test('unread is what stands behind the mark, by time when offsets count something else', () => {
  const mark = markAt({ offset: 10, time: 1000 }, 'e1');
  assert.ok(isAfter({ offset: 11, time: 900 }, mark, 'e1'));
  assert.ok(!isAfter({ offset: 10, time: 1000 }, mark, 'e1'));
  assert.ok(isAfter({ offset: 2, time: 1001 }, mark, 'e2'));
  assert.ok(!isAfter({ offset: 20, time: 1000 }, mark, 'e2'));
  assert.ok(isAfter({ offset: 1, time: 1 }, null, 'e1'));
});

test("a member's mark is an offset, and what was said before the membership is not unread", () => {
  const mark = { offset: 10, since: 500 };
  assert.ok(isAfter({ offset: 11, time: 500 }, mark, 'any'));
  assert.ok(!isAfter({ offset: 10, time: 900 }, mark, 'any'));
  assert.ok(!isAfter({ offset: 11, time: 499 }, mark, 'any'));
});
