import assert from 'node:assert/strict';
import { test } from 'node:test';
import { webcrypto } from 'node:crypto';
import { uuid7 } from '../model/uuid7.js';

// Browsers have it; Node before 20 only as a module.
globalThis.crypto ??= webcrypto;

test('lays out time, version, variant and randomness as RFC 9562 shows', () => {
  // The example of appendix A.6.
  const random = Uint8Array.from([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
  assert.equal(uuid7(0x017f22e279b0, random), '017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
});

test('sorts by time and never repeats', () => {
  const earlier = uuid7(1_700_000_000_000);
  const later = uuid7(1_700_000_000_001);
  assert.ok(earlier < later);
  assert.notEqual(uuid7(1), uuid7(1));
});
