import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff, isTemporary, Outbox } from '../model/outbox.js';

const temporary = { code: 100, temporary: true, message: 'try again' };
const refused = { code: 103, message: 'permission denied' };
const cut = { code: 11, message: 'connection closed' };

/** Sends items through answers(id, attempt) and returns what happened, in order. */
async function run(ids, answers) {
  const log = [];
  const tries = new Map();
  await new Promise((done) => {
    const finish = (line) => {
      log.push(line);
      if (log.filter((each) => /^(sent|failed)/.test(each)).length === ids.length) done();
    };
    const node = {
      ready: async () => {},
      pause: async () => {},
      send: async ({ id }) => {
        tries.set(id, (tries.get(id) ?? 0) + 1);
        log.push(`try ${id}`);
        const error = answers(id, tries.get(id));
        if (error) throw error;
        return { id };
      },
    };
    const outbox = new Outbox(node, {
      sent: (item) => finish(`sent ${item.id}`),
      failed: (item, error) => finish(`failed ${item.id}: ${error.message}`),
    });
    for (const id of ids) outbox.push({ id, text: id });
  });
  return log;
}

test('a retry has the same id and is not overtaken', async () => {
  const log = await run(['a', 'b'], (id, attempt) => (id === 'a' && attempt < 3 ? temporary : null));
  assert.deepEqual(log, ['try a', 'try a', 'try a', 'sent a', 'try b', 'sent b']);
});

test('a refusal is final and lets the next one go', async () => {
  const log = await run(['a', 'b'], (id) => (id === 'a' ? refused : null));
  assert.deepEqual(log, ['try a', 'failed a: permission denied', 'try b', 'sent b']);
});

test('temporary errors end after some attempts, lost connections never do', async () => {
  const giveUp = await run(['a'], () => temporary);
  assert.equal(giveUp.length, 9);
  assert.equal(giveUp.at(-1), 'failed a: try again');
  const patient = await run(['a'], (_id, attempt) => (attempt < 50 ? cut : null));
  assert.equal(patient.at(-1), 'sent a');
});

test('the same message is not queued twice', async () => {
  const sends = [];
  let release;
  const outbox = new Outbox(
    { ready: () => new Promise((resolve) => (release = resolve)), pause: async () => {}, send: async ({ id }) => sends.push(id) },
    { sent: () => {}, failed: () => {} },
  );
  outbox.push({ id: 'a' });
  outbox.push({ id: 'a' });
  release();
  await new Promise(setImmediate);
  assert.deepEqual(sends, ['a']);
});

test('the wait grows to a limit, and is spread', () => {
  assert.equal(backoff(0, 0), 250);
  assert.equal(backoff(0, 1), 500);
  assert.equal(backoff(3, 1), 4000);
  assert.equal(backoff(30, 1), 15_000);
});

test("the SDK's own errors and those marked so are temporary", () => {
  assert.ok(isTemporary(cut) && isTemporary(temporary) && isTemporary({ code: 1 }));
  assert.ok(!isTemporary(refused) && !isTemporary(new Error('bug')));
});
