import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Self } from '../session/self.js';

function self() {
  const self = new Self('ann', { state: 'connecting', client: { on() {} } }, assert.fail);
  let changes = 0;
  self.addEventListener('change', () => changes++);
  return { self, changes: () => changes };
}

test('the status is that of the latest event, in whichever order they come', () => {
  const { self: ann, changes } = self();
  ann.hear({ type: 'status', time: 2, status: 'away' });
  ann.hear({ type: 'status', time: 1, status: 'hidden' });
  assert.deepEqual([ann.status, changes()], ['away', 1]);
  ann.hear({ type: 'status', time: 3, status: 'online' });
  assert.deepEqual([ann.status, changes()], ['online', 2]);
});

test('whom another window blocks is blocked, those who were blocked last at the end', () => {
  const { self: ann } = self();
  ann.blocked = ['bob', 'carl'];
  ann.hear({ type: 'block', time: 3, user: 'dave' });
  ann.hear({ type: 'block', time: 2, user: 'bob', remove: true });
  assert.deepEqual(ann.blocked, ['carl', 'dave']);
  ann.hear({ type: 'block', time: 1, user: 'bob' });
  assert.equal(ann.hasBlocked('bob'), false);
  ann.hear({ type: 'block', time: 4, user: 'carl' });
  assert.deepEqual(ann.blocked, ['dave', 'carl']);
});
