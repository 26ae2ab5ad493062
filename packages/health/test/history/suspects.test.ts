import { describe, expect, it } from 'vitest';
import { createSuspects } from '../../src/history/suspects.js';

describe('endpoints that were settled together in vain', () => {
  it('are halved until the one is alone whose fault it is', () => {
    const suspects = createSuspects();
    const all = Array.from({ length: 50 }, (_, index) => `endpoint ${index}`);
    const tried: number[] = [];
    suspects.accuse(all);
    while (!suspects.groups().every((group) => group.join() === 'endpoint 33'))
      for (const group of suspects.groups()) {
        tried.push(group.length);
        if (group.includes('endpoint 33')) suspects.accuse(group);
        else suspects.acquit(group);
      }
    expect(tried.length).toBeLessThan(14);
    expect([suspects.size, suspects.has('endpoint 33'), suspects.has('endpoint 32')]).toEqual([1, true, false]);
  });

  it('are tried before those that are alone, and these in turn', () => {
    const suspects = createSuspects();
    suspects.accuse(['one']);
    suspects.accuse(['two']);
    suspects.accuse(['three', 'four', 'five']);
    expect(suspects.groups()).toEqual([['three', 'four'], ['one'], ['two'], ['five']]);
    suspects.accuse(['one']);
    expect(suspects.groups()).toEqual([['three', 'four'], ['two'], ['five'], ['one']]);
  });
});
