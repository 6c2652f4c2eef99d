import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameFrom, namesIn } from '../model/names.js';

test('names are typed with commas or line ends between them', () => {
  assert.deepEqual(namesIn(' bob, @cid,\nbob,, "d e" '), ['bob', 'cid', '"d e"']);
  assert.deepEqual(namesIn(' , '), []);
});

test("a room's name is what people type to find it", () => {
  assert.equal(nameFrom('  The Über plan: 2!  '), 'the-über-plan-2');
  assert.equal(nameFrom('?!'), '');
});
