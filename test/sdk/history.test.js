import assert from 'node:assert/strict';
import test from 'node:test';
import { combinations } from './combinations.js';
import { fill, history, number, open, unique } from './session.js';

const options = { timeout: 120_000 };
const total = 250;

test('history', options, async (t) => {
  const channel = unique('room:');
  const texts = await fill(t, combinations[0], channel, 0, total);

  for (const combination of combinations) {
    await t.test(`${combination.name}: history is read in both directions`, options, async (t) => {
      const session = await open(t, combination, { user: unique('reader-') });
      const read = (o) => history(session, channel, o);
      const textsOf = ({ publications }) => publications.map(({ data }) => session.decode(data).text);
      const offsetsOf = ({ publications }) => publications.map(({ offset }) => number(offset));

      const position = await read({ limit: 0 });
      assert.deepEqual(position.publications, []);
      assert.notEqual(position.epoch, '');

      const oldest = await read({ limit: 10 });
      assert.deepEqual(textsOf(oldest), texts.slice(0, 10));
      assert.equal(oldest.epoch, position.epoch);
      assert.equal(number(oldest.offset), number(position.offset));

      const newest = await read({ limit: 10, reverse: true });
      assert.deepEqual(textsOf(newest), texts.slice(-10).reverse());
      assert.equal(offsetsOf(newest)[0], number(position.offset));

      const since = { offset: oldest.publications[4].offset, epoch: position.epoch };
      assert.deepEqual(textsOf(await read({ limit: 3, since })), texts.slice(5, 8));
      assert.deepEqual(textsOf(await read({ limit: 3, since, reverse: true })), texts.slice(1, 4).reverse());
      const end = { offset: position.offset, epoch: position.epoch };
      assert.deepEqual(textsOf(await read({ limit: 3, since: end })), []);
    });

    for (const reverse of [false, true]) {
      await t.test(`${combination.name}: pages hold everything once, reverse ${reverse}`, options, async (t) => {
        const session = await open(t, combination, { user: unique('reader-') });
        const seen = [];
        let since;
        for (;;) {
          const page = await history(session, channel, { limit: 40, since, reverse });
          if (page.publications.length === 0) break;
          assert.ok(page.publications.length <= 40);
          seen.push(...page.publications);
          since = { offset: page.publications.at(-1).offset, epoch: page.epoch };
        }
        const expected = reverse ? [...texts].reverse() : texts;
        assert.deepEqual(seen.map(({ data }) => session.decode(data).text), expected);
        const order = seen.map(({ offset }) => number(offset));
        assert.deepEqual(order, [...new Set(order)].sort((a, b) => (reverse ? b - a : a - b)));
      });
    }
  }
});
