import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timeline } from '../model/timeline.js';

const said = (offset, id = `m${offset}`, sender = 'bob') => ({ id, sender, time: offset * 1000, text: id, code: false, offset });
const shown = (timeline) => timeline.list().map(({ id, state }) => `${id} ${state}`);

test('messages stand in the order of the log however they come', () => {
  const timeline = new Timeline();
  for (const offset of [5, 3, 9, 1, 7]) timeline.add(said(offset));
  assert.deepEqual(
    timeline.list().map(({ offset }) => offset),
    [1, 3, 5, 7, 9],
  );
});

test('the same message comes twice and is shown once', () => {
  const timeline = new Timeline();
  assert.equal(timeline.add(said(1)), true);
  assert.equal(timeline.add(said(1)), false);
  assert.deepEqual(shown(timeline), ['m1 sent']);
});

test('a pending message waits at the end and takes its place when confirmed', () => {
  const timeline = new Timeline();
  timeline.addPending({ id: 'mine', sender: 'ann', text: 'hi', time: 1 });
  timeline.add(said(4));
  assert.deepEqual(shown(timeline), ['m4 sent', 'mine pending']);
  timeline.confirm('ann', 'mine', { offset: 3, time: 3 });
  assert.deepEqual(shown(timeline), ['mine sent', 'm4 sent']);
});

test('publication and confirmation of one message meet in either order', () => {
  for (const publicationFirst of [true, false]) {
    const timeline = new Timeline();
    timeline.addPending({ id: 'mine', sender: 'ann', text: 'hi', time: 1 });
    const publication = () => timeline.add(said(3, 'mine', 'ann'));
    const confirmation = () => timeline.confirm('ann', 'mine', { offset: 3, time: 3000 });
    for (const event of publicationFirst ? [publication, confirmation] : [confirmation, publication]) event();
    assert.deepEqual(shown(timeline), ['mine sent']);
    assert.equal(timeline.newest.offset, 3);
  }
});

test('a failed message keeps its id for the retry, and can be discarded', () => {
  const timeline = new Timeline();
  timeline.addPending({ id: 'mine', sender: 'ann', text: 'hi', time: 1 });
  timeline.fail('ann', 'mine', 'too many');
  assert.deepEqual(shown(timeline), ['mine failed']);
  assert.equal(timeline.list()[0].reason, 'too many');
  timeline.retry('ann', 'mine');
  assert.deepEqual(shown(timeline), ['mine pending']);
  timeline.discard('ann', 'mine');
  assert.deepEqual(shown(timeline), []);
});

test("nobody's message replaces another's by taking its id", () => {
  const timeline = new Timeline();
  timeline.add(said(1, 'same', 'bob'));
  timeline.add(said(2, 'same', 'eve'));
  assert.equal(timeline.list().length, 2);
});

test('reading anew drops what the log no longer has and keeps what is unsent', () => {
  const timeline = new Timeline();
  timeline.add(said(1));
  timeline.add(said(2, 'lost'));
  timeline.addPending({ id: 'mine', sender: 'ann', text: 'hi', time: 1 });
  timeline.begin();
  timeline.add(said(2, 'other'));
  assert.equal(timeline.add(said(1)), false, 'a message seen again is not a new one');
  timeline.sweep();
  assert.deepEqual(shown(timeline), ['m1 sent', 'other sent', 'mine pending']);
});

test('a message whose offset changed with the epoch moves', () => {
  const timeline = new Timeline();
  timeline.add(said(10, 'a'));
  timeline.add(said(11, 'b'));
  timeline.begin();
  timeline.add(said(4, 'b'));
  timeline.add(said(5, 'a'));
  timeline.sweep();
  assert.deepEqual(shown(timeline), ['b sent', 'a sent']);
});

test('trimming keeps the newest and lets older ones be loaded again', () => {
  const timeline = new Timeline();
  for (let offset = 1; offset <= 5; offset++) timeline.add(said(offset));
  assert.equal(timeline.trim(5), false);
  assert.equal(timeline.trim(2), true);
  assert.equal(timeline.oldest.offset, 4);
  assert.equal(timeline.add(said(3)), true);
});
