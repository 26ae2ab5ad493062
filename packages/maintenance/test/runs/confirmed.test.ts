import { describe, expect, it } from 'vitest';
import { confirmedOf } from '../../src/runs/confirmed.js';
import type { Run } from '../../src/runs/run.js';
import type { MaintenanceStore } from '../../src/store/store.js';

const run = (id: string, more: Partial<Run> = {}): Run =>
  ({
    ...{ id, tenantId: 'acme', status: 'running', resumes: null, planId: null, confirmed: false, details: {} },
    ...more,
  }) as unknown as Run;
const asking = (id: string, target: string, planned: number, more: Partial<Run> = {}): Run =>
  run(id, { status: 'needs_confirmation', details: { asked: { target, planned, total: planned } }, ...more });
/** A store of these runs alone. */
const storeOf = (...runs: Run[]): MaintenanceStore =>
  ({
    runs: () => ({ get: (id: string) => Promise.resolve(runs.find((it) => it.id === id)) }),
  }) as unknown as MaintenanceStore;

describe('what somebody has confirmed', () => {
  it('is what was asked for, or a fifth more, of that target alone', async () => {
    const confirmed = await confirmedOf(
      storeOf(asking('first', 'table:main.orders', 100)),
      run('second', { resumes: 'first', confirmed: true }),
    );
    expect(confirmed('table:main.orders', 120)).toBe(true);
    expect(confirmed('table:main.orders', 121)).toBe(false);
    expect(confirmed('table:main.lines', 1)).toBe(false);
  });

  it('is nothing where nobody was asked, or nobody has answered', async () => {
    const store = storeOf(
      asking('asked', 'table:main.orders', 100),
      asking('done', 'table:main.orders', 100, { status: 'completed' }),
    );
    for (const [resumes, isConfirmed] of [
      ['asked', false],
      ['done', true],
      [null, true],
    ] as const) {
      const confirmed = await confirmedOf(store, run('next', { resumes, confirmed: isConfirmed }));
      expect(confirmed('table:main.orders', 1), String(resumes)).toBe(false);
    }
  });

  it('goes on from one run to the next, as it was asked for last', async () => {
    const confirmed = await confirmedOf(
      storeOf(
        asking('first', 'table:main.orders', 1_000),
        asking('second', 'table:main.lines', 50, { resumes: 'first', confirmed: true }),
        asking('third', 'table:main.orders', 100, { resumes: 'second', confirmed: true }),
      ),
      run('fourth', { resumes: 'third', confirmed: true }),
    );
    expect(confirmed('table:main.lines', 50)).toBe(true);
    expect(confirmed('table:main.orders', 100)).toBe(true);
    expect(confirmed('table:main.orders', 1_000)).toBe(false);
  });

  it('is all of a plan that is applied', async () => {
    const confirmed = await confirmedOf(storeOf(), run('applying', { planId: 'p', confirmed: true }));
    expect(confirmed('table:main.orders', 1_000_000)).toBe(true);
  });
});
