import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesPattern } from '../../src/files/pattern.js';

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 8 });
const asRegExp = (text: string): RegExp =>
  new RegExp(`^${text.replace(/[.]/g, '\\.').replace(/\*/g, '.*').replace(/\?/g, '.')}$`);

describe('a pattern of names', () => {
  it('matches as the regular expression does that it stands for', () => {
    fc.assert(
      fc.property(pattern, letters, (text, name) => {
        expect(matchesPattern(text, name)).toBe(asRegExp(text).test(name));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes every other character for itself', () => {
    for (const special of ['[ab]', '(a|b)', 'a+', '\\d', '^a$', '{1}'])
      expect([matchesPattern(special, special), matchesPattern(special, 'a')]).toEqual([true, false]);
  });

  it('is done with a hostile name in no time', () => {
    expect(matchesPattern(`${'a*'.repeat(20)}b`, 'a'.repeat(20_000))).toBe(false);
  });
});
