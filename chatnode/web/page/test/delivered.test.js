import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivered } from '../session/delivered.js';

const settled = () => new Promise((resolve) => setTimeout(resolve, 400));

function watched(read = 0) {
  const told = [];
  const failures = [];
  const device = { read, refusal: null };
  const tell = async (offset) => {
    if (device.refusal) throw device.refusal;
    told.push(offset);
  };
  const delivered = new Delivered({ read: () => device.read, tell, failed: (error) => failures.push(error.message) });
  return { delivered, told, failures, device };
}

test('what comes together is told once, and what the node knows is not', async () => {
  const { delivered, told } = watched();
  delivered.follow(2);
  delivered.reach(2);
  delivered.reach(3);
  delivered.reach(5);
  delivered.reach(4);
  await settled();
  assert.deepEqual(told, [5]);
});

test('what was read meanwhile is not told', async () => {
  const { delivered, told, device } = watched();
  delivered.reach(3);
  device.read = 3;
  await settled();
  assert.deepEqual(told, []);
});

test('a refusal is reported, and the next message tells again', async () => {
  const { delivered, told, failures, device } = watched();
  device.refusal = new Error('no');
  delivered.reach(1);
  await settled();
  assert.deepEqual(failures, ['no']);
  device.refusal = null;
  delivered.reach(2);
  await settled();
  assert.deepEqual(told, [2]);
});
