import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { together } from '../src/together.js';

describe('those who ask while an answer is under way', () => {
  it('ask together, and each gets its own answer', async () => {
    const asked: number[][] = [];
    const square = together(async (numbers: readonly number[]) => {
      asked.push([...numbers]);
      await nextTurn();
      return numbers.map((number) => number * number);
    });
    const numbers = Array.from({ length: 250 }, (_, index) => index);
    expect(await Promise.all(numbers.map(square))).toEqual(numbers.map((number) => number * number));
    expect(asked.map(({ length }) => length)).toEqual([1, 100, 100, 49]);
    expect(await square(7)).toBe(49);
    expect(asked.at(-1)).toEqual([7]);
  });

  it('do not fail for one another', async () => {
    const check = together(async (numbers: readonly number[]) => {
      await nextTurn();
      if (numbers.includes(5)) throw new Error('five');
      return numbers;
    });
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, index) => check(index)));
    expect(outcomes.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []))).toEqual([5]);
    await expect(check(5)).rejects.toThrow('five');
  });
});
