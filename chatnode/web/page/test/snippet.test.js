import assert from 'node:assert/strict';
import { test } from 'node:test';
import { snippet } from '../model/snippet.js';

const hay = 'hay '.repeat(50);

test('a long text begins shortly before the first word found', () => {
  const shown = snippet(`${hay}the Needle and ${hay}`, 'needle "and"');
  assert.match(shown, /^…(hay )+the Needle and hay/);
  assert.ok(shown.indexOf('Needle') < 40, shown);
});

test('a short text, an early word and a word that is not there change nothing', () => {
  for (const text of ['a needle', `needle ${hay}`, hay]) assert.equal(snippet(text, 'needle'), text);
  assert.equal(snippet(hay, ''), hay);
});

test('a word without spaces around it stands first', () => {
  assert.equal(snippet(`${'x'.repeat(200)}needle`, 'needle'), '…needle');
});
