import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rows } from '../model/rows.js';

const noon = new Date(2026, 4, 20, 12).getTime();
const minute = 60_000;
const entry = (key, sender, time) => ({ key, sender, time });
const never = () => false;
const drawn = (list) => list.map((row) => (row.kind === 'message' ? row.entry.key + (row.first ? ' first' : '') + (row.last ? ' last' : '') : row.kind));

test('messages of one sender in close succession form a group', () => {
  const list = rows([entry('a', 'ann', noon), entry('b', 'ann', noon + minute), entry('c', 'bob', noon + minute), entry('d', 'bob', noon + 7 * minute)], never);
  assert.deepEqual(drawn(list), ['day', 'a first', 'b last', 'c first last', 'd first last']);
});

test('a new day has its line and begins a new group', () => {
  const night = new Date(2026, 4, 20, 23, 59).getTime();
  const list = rows([entry('a', 'ann', night), entry('b', 'ann', night + 2 * minute)], never);
  assert.deepEqual(drawn(list), ['day', 'a first last', 'day', 'b first last']);
});

test('the mark stands once, before the first new message', () => {
  const list = rows([entry('a', 'bob', noon), entry('b', 'bob', noon), entry('c', 'bob', noon)], ({ key }) => key > 'a');
  assert.deepEqual(drawn(list), ['day', 'a first last', 'new', 'b first', 'c last']);
});

test('every row has a key of its own', () => {
  const list = rows([entry('a', 'bob', noon), entry('b', 'bob', noon)], () => true);
  assert.equal(new Set(list.map(({ key }) => key)).size, list.length);
});
