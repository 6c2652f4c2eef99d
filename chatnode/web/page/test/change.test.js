import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after } from '../model/change.js';
import { changeOf, messageOf } from '../model/message.js';
import { Timeline } from '../model/timeline.js';

const said = (offset, more) => messageOf({ offset, data: { id: `m${offset}`, type: 'message', sender: 'bob', time: offset * 1000, text: `m${offset}`, ...more } });
const edit = (offset, target, text) => changeOf({ offset, data: { id: `e${offset}`, type: 'edit', sender: 'bob', time: 1, target, of: `m${target}`, sent: target * 1000, text } });
const deletion = (offset, target, more) => changeOf({ offset, data: { type: 'delete', sender: 'mod', author: 'bob', target, of: `m${target}`, sent: target * 1000, ...more } });
const reaction = (offset, user, word, remove) => changeOf({ offset, data: { type: 'reaction', sender: user, target: 1, reaction: word, remove } });
const texts = (timeline) => timeline.list().map(({ text, deleted }) => (deleted ? 'gone' : text));

test('edits and deletions change a message in its place', () => {
  const timeline = new Timeline();
  for (const offset of [1, 2, 3]) timeline.add(said(offset));
  timeline.change(edit(4, 2, 'better'), true);
  timeline.change(deletion(5, 1), true);
  assert.deepEqual(texts(timeline), ['gone', 'better', 'm3']);
  timeline.change(edit(6, 1, 'back'), true);
  assert.deepEqual(texts(timeline), ['gone', 'better', 'm3'], 'what is deleted stays so');
});

test('an older change after a newer one changes nothing', () => {
  const timeline = new Timeline();
  timeline.add(said(1));
  timeline.change(edit(5, 1, 'newest'), true);
  timeline.change(edit(4, 1, 'older'), true);
  assert.deepEqual(texts(timeline), ['newest']);
});

test('an edited message whose original is gone from the log stands where that stood', () => {
  const timeline = new Timeline();
  timeline.add(said(1));
  timeline.add(said(5));
  timeline.change(edit(6, 3, 'edited meanwhile'), true);
  timeline.change(deletion(7, 4), true);
  timeline.change(edit(8, 2, 'beyond what is loaded'), false);
  assert.deepEqual(texts(timeline), ['m1', 'edited meanwhile', 'gone', 'm5']);
});

test('the edit of a message whose confirmation was lost takes its place', () => {
  const timeline = new Timeline();
  timeline.addPending({ id: 'm3', sender: 'bob', text: 'first words', time: 1 });
  timeline.change(edit(4, 3, 'second words'), true);
  assert.deepEqual(texts(timeline), ['second words']);
  timeline.confirm('bob', 'm3', { offset: 3, time: 3000 });
  assert.deepEqual(texts(timeline), ['second words']);
});

test('reactions are counted once for each user', () => {
  let entry = said(1);
  const react = (...change) => (entry = after(entry, reaction(...change)));
  const counts = () => entry.reactions.map((each) => `${each.reaction} ${each.count} ${each.users}`);
  react(2, 'ann', '👍');
  react(3, 'bob', '👍');
  react(4, 'ann', '🎉');
  react(5, 'ann', '👍');
  assert.deepEqual(counts(), ['👍 2 ann,bob', '🎉 1 ann']);
  react(6, 'ann', '👍', true);
  react(7, 'ann', '🎉', true);
  react(8, 'eve', '🎉', true);
  assert.deepEqual(counts(), ['👍 1 bob']);
});

test('users beyond those who are named count too', () => {
  const entry = { ...said(1), reactions: [{ reaction: '👍', count: 21, users: ['ann'] }] };
  assert.equal(after(entry, reaction(2, 'zoe', '👍', true)).reactions[0].count, 20);
});

test('what a page already contains changes nothing a second time', () => {
  const entry = { ...said(1), asOf: 9, reactions: [{ reaction: '👍', count: 1, users: ['ann'] }] };
  assert.equal(after(entry, reaction(9, 'bob', '👍')), entry);
  assert.equal(after(entry, reaction(10, 'bob', '👍')).reactions[0].count, 2);
});

test('a thread counts its replies, without those that are deleted', () => {
  const timeline = new Timeline();
  timeline.add(said(1));
  timeline.add(said(2, { thread: 1 }));
  timeline.countReply(1, 2, 1);
  timeline.countReply(1, 2, 1);
  assert.equal(timeline.at(1).replies, 1);
  timeline.change(deletion(3, 2), true);
  assert.equal(timeline.at(1).replies, 0);
});
