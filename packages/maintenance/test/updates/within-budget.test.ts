import { describe, expect, it } from 'vitest';
import type { PendingUpdate } from '../../src/updates/package-manager.js';
import { withinBudget } from '../../src/updates/within-budget.js';

const updates = Array.from(
  { length: 500 },
  (_, at) => ({ name: `p${at}`, isSecurity: true, isHeldBack: false }) as PendingUpdate,
);

const many = (count: number) => new Set(Array.from({ length: count }, (_, at) => `brought${at}`));

describe('choosing what fits a budget', () => {
  it('tries what goes along, and gives up after a number of tries', async () => {
    let tries = 0;
    const tooMuch = () => Promise.resolve(((tries += 1), many(1_000)));
    expect(await withinBudget(20, updates, tooMuch)).toEqual({ updates: [], size: 0 });
    expect(tries).toBe(50);
  });

  it('leaves out as many as the others need to bring', async () => {
    const chosen = await withinBudget(20, updates, ({ length }) => Promise.resolve(many(length + 3)));
    expect([chosen.updates.length, chosen.size]).toEqual([17, 20]);
  });

  it('passes over what goes with more than fits, however many of it come first', async () => {
    // The first sixty go together or not at all.
    const broughtBy = (asked: readonly PendingUpdate[]) => {
      const block = asked.some((it) => updates.indexOf(it) < 60) ? updates.slice(0, 60) : [];
      return Promise.resolve(new Set([...block, ...asked].map(({ name }) => name)));
    };
    const chosen = await withinBudget(20, updates.slice(0, 63), broughtBy);
    expect(chosen.updates.map(({ name }) => name)).toEqual(['p60', 'p61', 'p62']);
    expect((await withinBudget(60, updates.slice(0, 63), broughtBy)).size).toBe(60);
  });

  it('takes those of a few that fit, and not the one that brings too much', async () => {
    const broughtBy = (asked: readonly PendingUpdate[]) =>
      Promise.resolve(new Set([...asked.map(({ name }) => name), ...(asked.includes(updates[2]!) ? many(9) : [])]));
    const chosen = await withinBudget(5, updates.slice(0, 3), broughtBy);
    expect(chosen.updates.map(({ name }) => name)).toEqual(['p0', 'p1']);
  });
});
