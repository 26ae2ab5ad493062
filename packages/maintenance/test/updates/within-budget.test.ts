import { describe, expect, it } from 'vitest';
import type { PendingUpdate } from '../../src/updates/package-manager.js';
import { withinBudget } from '../../src/updates/within-budget.js';

const updates = Array.from(
  { length: 500 },
  (_, at) => ({ name: `p${at}`, isSecurity: true, isHeldBack: false }) as PendingUpdate,
);

describe('choosing what fits a budget', () => {
  it('tries what goes along, and gives up after a number of tries', async () => {
    let tries = 0;
    const tooMuch = () => Promise.resolve(((tries += 1), 1_000));
    expect(await withinBudget(20, updates, tooMuch)).toEqual({ updates: [], size: 0 });
    expect(tries).toBe(50);
  });

  it('leaves out as many as the others need to bring', async () => {
    const chosen = await withinBudget(20, updates, ({ length }) => Promise.resolve(length + 3));
    expect([chosen.updates.length, chosen.size]).toEqual([17, 20]);
  });
});
