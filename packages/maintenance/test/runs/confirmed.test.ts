import { describe, expect, it } from 'vitest';
import { wireOf } from '@dotmac/core/contract';
import { confirmedOf } from '../../src/runs/confirmed.js';
import type { Run } from '../../src/runs/run.js';
import type { MaintenanceStore } from '../../src/store/store.js';
import { planned, taskPlan } from '../../src/tasks/plan.js';

const run = (id: string, more: Partial<Run> = {}): Run =>
  ({
    ...{ id, tenantId: 'acme', status: 'running', resumes: null, planId: null, confirmed: false, details: {} },
    ...more,
  }) as unknown as Run;
const asking = (id: string, target: string, planned: number, more: Partial<Run> = {}): Run =>
  run(id, { status: 'needs_confirmation', details: { asked: [{ target, planned, total: planned }] }, ...more });
/** A plan of one target. */
const plan = wireOf(taskPlan).render({
  targets: [planned({ target: 'table:main.orders', action: 'delete', items: 1_000, strategy: 'by time' }, {})],
  warnings: [],
});
/** A store of these runs alone, and of the plan. */
const storeOf = (...runs: Run[]): MaintenanceStore =>
  ({
    runs: () => ({ get: (id: string) => Promise.resolve(runs.find((it) => it.id === id)) }),
    plans: () => ({ get: () => Promise.resolve({ plan }) }),
  }) as unknown as MaintenanceStore;

describe('what somebody has confirmed', () => {
  it('is what was asked for, or a fifth more, of that target alone', async () => {
    const confirmed = await confirmedOf(
      storeOf(asking('first', 'table:main.orders', 100)),
      run('second', { resumes: 'first', confirmed: true }),
    );
    expect(confirmed('table:main.orders')).toBe(120);
    expect(confirmed('table:main.lines')).toBe(0);
  });

  it('is nothing where nobody was asked, or nobody has answered', async () => {
    const store = storeOf(asking('asked', 'table:main.orders', 100), run('done', { status: 'completed' }));
    for (const [resumes, isConfirmed] of [
      ['asked', false],
      ['done', true],
      [null, true],
    ] as const) {
      const confirmed = await confirmedOf(store, run('next', { resumes, confirmed: isConfirmed }));
      expect(confirmed('table:main.orders'), String(resumes)).toBe(0);
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
    expect(confirmed('table:main.lines')).toBe(60);
    expect(confirmed('table:main.orders')).toBe(120);
  });

  it('is not what was asked for before a run that was only resumed', async () => {
    const confirmed = await confirmedOf(
      storeOf(
        asking('first', 'table:main.orders', 1_000),
        asking('second', 'table:main.lines', 50, { resumes: 'first', confirmed: false }),
      ),
      run('third', { resumes: 'second', confirmed: true }),
    );
    expect(confirmed('table:main.lines')).toBe(60);
    expect(confirmed('table:main.orders')).toBe(0);
  });

  it('is what a plan says that is applied, or a fifth more', async () => {
    const confirmed = await confirmedOf(storeOf(), run('applying', { planId: 'p', confirmed: true }));
    expect(confirmed('table:main.orders')).toBe(1_200);
    expect(confirmed('table:main.lines')).toBe(0);
  });
});
