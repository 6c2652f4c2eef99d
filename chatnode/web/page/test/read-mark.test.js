import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadMark } from '../session/read-mark.js';

function readMark(local = null) {
  const kept = [];
  const told = [];
  const mark = new ReadMark(local, { keep: (each) => kept.push(each), tell: async (offset) => told.push(offset) });
  return { mark, kept, told };
}

test('in a room that one only looks at, the browser keeps the mark', () => {
  const { mark, kept, told } = readMark();
  assert.equal(mark.advance({ offset: 3, time: 30 }, 'e'), true);
  assert.equal(mark.advance({ offset: 3, time: 30 }, 'e'), false);
  assert.deepEqual([kept, told], [[{ epoch: 'e', offset: 3, time: 30 }], []]);
});

test("a member's mark is told to the node, and never goes back", () => {
  const { mark, kept, told } = readMark();
  mark.follow({ offset: 5, since: 1, unread: 2 });
  assert.equal(mark.advance({ offset: 4, time: 9 }, 'e'), false);
  assert.equal(mark.advance({ offset: 7, time: 9 }, 'e'), true);
  assert.deepEqual([kept, told, mark.unread], [[], [7], 0]);
  mark.follow({ offset: 5, since: 1, unread: 2 });
  assert.equal(mark.value.offset, 7, 'the list was older than what was read here');
  mark.moved(6);
  assert.equal(mark.value.offset, 7);
  mark.moved(9);
  assert.equal(mark.value.offset, 9);
});

test('what arrives counts until it is read on any device', () => {
  const { mark } = readMark();
  mark.follow({ offset: 5, since: 1, unread: 60 });
  mark.arrived();
  assert.equal(mark.unread, 61);
  mark.moved(8);
  assert.equal(mark.unread, 0);
});

test('whoever is no member any more goes by what the browser kept', () => {
  const local = { epoch: 'e', offset: 2, time: 20 };
  const { mark } = readMark(local);
  mark.follow({ offset: 5, since: 1, unread: 0 });
  mark.follow(null);
  assert.equal(mark.value, local);
});
