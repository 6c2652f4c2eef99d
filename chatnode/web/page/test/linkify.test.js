import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkify } from '../model/linkify.js';

const links = (text) => linkify(text).flatMap(({ href }) => href ?? []);

test('addresses become links and the sentence around them does not', () => {
  assert.deepEqual(linkify('See https://a.example/x?y=1&z=2, or www.b.example.'), [
    { text: 'See ' },
    { text: 'https://a.example/x?y=1&z=2', href: 'https://a.example/x?y=1&z=2' },
    { text: ', or ' },
    { text: 'www.b.example', href: 'https://www.b.example/' },
    { text: '.' },
  ]);
});

test('a bracket belongs to the address only if it was opened there', () => {
  assert.deepEqual(links('(https://a.example/x)'), ['https://a.example/x']);
  assert.deepEqual(links('https://a.example/x_(y)'), ['https://a.example/x_(y)']);
});

test('only web addresses become links', () => {
  const dangerous = ['javascript:alert(1)', 'data:text/html,x', 'vbscript:x', 'file:///etc/passwd', 'JAVASCRIPT://x', 'https://', 'http://?'];
  for (const text of dangerous) assert.deepEqual(links(text), [], text);
});

test('markup ends an address and stays text', () => {
  assert.deepEqual(linkify('https://a.example/"onclick=x'), [
    { text: 'https://a.example/', href: 'https://a.example/' },
    { text: '"onclick=x' },
  ]);
  assert.deepEqual(linkify('<img src=x onerror=alert(1)>'), [{ text: '<img src=x onerror=alert(1)>' }]);
});

test('the pieces together are always the text', () => {
  for (const text of ['', 'a', 'http://', 'https://a.example', 'x https://a.example) y www.', '💬 https://ä.example/ü 💬\n\nend']) {
    assert.equal(
      linkify(text)
        .map((piece) => piece.text)
        .join(''),
      text,
    );
  }
});
