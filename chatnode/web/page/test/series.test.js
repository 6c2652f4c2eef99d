import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areaPath, ceiling, linePath, Series, totals, WINDOW_MS } from '../model/series.js';
import { bytes, duration, rate } from '../model/units.js';

test('nodes add up, and a missing field counts as nothing', () => {
  const sum = totals([{ connections: 2, rooms: 1 }, { connections: 3, memory_bytes: 5 }]);
  assert.deepEqual(sum, { nodes: 2, connections: 5, rooms: 1, messages_per_second: 0, memory_bytes: 5 });
});

test('a series remembers five minutes', () => {
  const series = new Series();
  for (const time of [0, 1000, WINDOW_MS, WINDOW_MS + 1000]) series.push(time, {});
  assert.deepEqual(
    series.samples.map(({ time }) => time),
    [1000, WINDOW_MS, WINDOW_MS + 1000],
  );
});

test('a line runs from the left edge to now and breaks where nothing is known', () => {
  const samples = [0, 1000, WINDOW_MS].map((time) => ({ time, values: time / WINDOW_MS }));
  const line = linePath(samples, ({ values }) => values, { now: WINDOW_MS, most: 1, width: 300, height: 100 });
  assert.equal(line, 'M0.0 100.0L1.0 99.7M300.0 0.0');
  assert.equal(areaPath('M0 9L5 4M8 2', 10), 'M0 10L0 9L5 4L5 10ZM8 10L8 2L8 10Z');
});

test('the top of a chart is a round number', () => {
  for (const [value, top] of [[0, 1], [1, 1], [3, 5], [70, 100], [1001, 2000]]) assert.equal(ceiling(value), top);
  assert.equal(ceiling(700 * 1024, 1024), 1024 ** 2);
  assert.equal(ceiling(0.3), 0.5);
});

test('quantities are short', () => {
  assert.equal(bytes(0), '0 B');
  assert.equal(bytes(1536), '1.5 KiB');
  assert.equal(bytes(600 * 1024 ** 2), '600 MiB');
  assert.equal(rate(12.34), '12.3');
  assert.equal(rate(1234.5), '1,235');
  assert.equal(duration(0.4), '0 s');
  assert.equal(duration(65), '1 min 5 s');
  assert.equal(duration(3600), '1 h');
  assert.equal(duration(90_000), '1 d 1 h');
});
