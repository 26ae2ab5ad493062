import { describe, expect, it } from 'vitest';
import { lines } from '../../src/wake/lines.js';

describe('lines', () => {
  it('give each owner a turn, with its things in their order', () => {
    const waiting = lines<string>();
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) waiting.add(item.slice(0, 1), item);
    expect(waiting.size).toBe(6);
    const taken = Array.from({ length: 7 }, () => waiting.next());
    expect(taken).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', undefined]);
    expect(waiting.size).toBe(0);
  });

  it('keep their order over thousands that come and go', () => {
    const waiting = lines<number>();
    let [added, taken] = [0, 0];
    for (let round = 0; round < 100; round++) {
      for (let count = 0; count < 100; count++) waiting.add('a', added++);
      for (let count = 0; count < 90; count++) expect(waiting.next()).toBe(taken++);
    }
    expect(waiting.size).toBe(1_000);
  });
});
