import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { stages } from '../../src/customers/stage.js';
import { createReckoning, type StageEntry } from '../../src/figures/reckon.js';
import { createSpread } from '../../src/figures/spread.js';
import { backends } from '../support/backends.js';
import { rig, someone } from '../support/lifecycle.js';

const day = 86_400_000;
const on = (month: number, date: number): number => Date.UTC(2026, month - 1, date);
const year = { from: on(1, 1), to: on(5, 1) };

describe('lengths of time', () => {
  it('have the mean of all of them, and their median to the hour', () => {
    const hours = fc.array(fc.integer({ min: 0, max: 20 * 365 * 24 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(hours, fc.integer({ min: -20, max: 20 }), (lengths, minutes) => {
        const spread = createSpread();
        for (const length of lengths) spread.add(length * 3_600_000 + minutes * 60_000);
        const sorted = lengths.toSorted((a, b) => a - b);
        const middle = ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
        const mean = lengths.reduce((sum, each) => sum + each + minutes / 60, 0) / lengths.length;
        const { customers, meanDays, medianDays } = spread.result();
        expect([customers, medianDays]).toEqual([lengths.length, middle / 24]);
        expect(meanDays).toBeCloseTo(mean / 24, 6);
      }),
    );
    expect(createSpread().result()).toEqual({ customers: 0, meanDays: null, medianDays: null });
  });
});

describe('figures', () => {
  it('say how customers come, stay and go', () => {
    const reckoning = createReckoning(year);
    const add = (...entries: [StageEntry['stage'], number][]) =>
      reckoning.add(entries.map(([stage, at]) => ({ stage, at })));
    // Was there before, and left in March.
    add(['registration', on(1, 1) - 60 * day], ['active', on(1, 1) - 50 * day], ['inactive', on(3, 10)]);
    // Came in January and stays, suspended for a while.
    add(
      ['registration', on(1, 5)],
      ['verification', on(1, 5)],
      ['onboarding', on(1, 6)],
      ['active', on(1, 9)],
      ['suspended', on(2, 1)],
      ['active', on(2, 5)],
    );
    // Came in January, left in February, came back in April.
    add(
      ['registration', on(1, 7)],
      ['verification', on(1, 8)],
      ['onboarding', on(1, 8)],
      ['active', on(1, 9)],
      ['churning', on(2, 1)],
      ['inactive', on(2, 8)],
      ['onboarding', on(4, 1)],
      ['active', on(4, 2)],
    );
    // Never got further.
    add(['registration', on(2, 1)], ['verification', on(2, 2)], ['deleted', on(2, 20)]);
    expect(reckoning.result()).toEqual({
      ...year,
      funnel: { registered: 3, verified: 3, onboarding: 2, active: 2, medianDaysToActive: 3 },
      cohorts: [
        { month: '2026-01', registered: 2, served: [2, 1, 1, 2] },
        { month: '2026-02', registered: 1, served: [0, 0, 0] },
        { month: '2026-03', registered: 0, served: [0, 0] },
        { month: '2026-04', registered: 0, served: [0] },
      ],
      churn: [
        { month: '2026-01', servedAtStart: 1, gained: 2, lost: 0, rate: 0 },
        { month: '2026-02', servedAtStart: 3, gained: 0, lost: 1, rate: 1 / 3 },
        { month: '2026-03', servedAtStart: 2, gained: 0, lost: 1, rate: 1 / 2 },
        { month: '2026-04', servedAtStart: 1, gained: 1, lost: 0, rate: 0 },
      ],
      tenure: {
        ended: { customers: 2, meanDays: (30 + 118) / 2, medianDays: (30 + 118) / 2 },
        current: { customers: 2, meanDays: (112 + 29) / 2, medianDays: (112 + 29) / 2 },
      },
    });
  });

  it('count nobody as a customer, nor as one who was lost, who churns before it is active', () => {
    const reckoning = createReckoning(year);
    const add = (...entries: [StageEntry['stage'], number][]) =>
      reckoning.add(entries.map(([stage, at]) => ({ stage, at })));
    // Churned in January, and left in February.
    add(['registration', on(1, 1)], ['verification', on(1, 1)], ['churning', on(1, 15)], ['inactive', on(2, 15)]);
    // Churned, and was won back: active since March. Then it churned as a customer does, and left.
    add(
      ['registration', on(1, 2)],
      ['verification', on(1, 2)],
      ['onboarding', on(1, 3)],
      ['churning', on(1, 15)],
      ['onboarding', on(2, 20)],
      ['active', on(3, 2)],
      ['churning', on(4, 1)],
      ['inactive', on(4, 11)],
    );
    // Was a customer in January, came back, and churned before it was one again.
    add(
      ['registration', on(1, 1)],
      ['active', on(1, 2)],
      ['inactive', on(1, 12)],
      ['onboarding', on(2, 1)],
      ['churning', on(2, 10)],
      ['deleted', on(4, 20)],
    );
    const { funnel, cohorts, churn, tenure } = reckoning.result();
    expect(funnel).toEqual({ registered: 3, verified: 2, onboarding: 2, active: 2, medianDaysToActive: 30 });
    expect(cohorts[0]).toEqual({ month: '2026-01', registered: 3, served: [0, 0, 1, 0] });
    expect(churn.map(({ servedAtStart, gained, lost }) => [servedAtStart, gained, lost])).toEqual([
      [0, 1, 1],
      [0, 0, 0],
      [0, 1, 0],
      [1, 0, 1],
    ]);
    expect(tenure).toMatchObject({ ended: { customers: 2, meanDays: (40 + 10) / 2 }, current: { customers: 0 } });
  });

  it('balance: who is there at the end of a month is who was there, and came, less who left', () => {
    const entry = fc.record({
      stage: fc.constantFrom(...stages),
      at: fc.integer({ min: on(1, 1) - 90 * day, max: on(5, 1) - 1 }),
    });
    const lives = fc.array(fc.array(entry, { minLength: 1, maxLength: 8 }), { maxLength: 20 });
    fc.assert(
      fc.property(lives, (customers) => {
        const reckoning = createReckoning(year);
        for (const entries of customers) reckoning.add(entries.toSorted((a, b) => a.at - b.at));
        const { churn, tenure, funnel, cohorts } = reckoning.result();
        for (const [index, { servedAtStart, gained, lost }] of churn.entries())
          expect(servedAtStart + gained - lost).toBe(churn[index + 1]?.servedAtStart ?? tenure.current.customers);
        expect(tenure.ended.customers).toBe(churn.reduce((sum, { lost }) => sum + lost, 0));
        expect(cohorts.reduce((sum, { registered }) => sum + registered, 0)).toBe(funnel.registered);
        expect(funnel.active).toBeLessThanOrEqual(funnel.registered);
      }),
    );
  });
});

it('the figures of two million customers fit into little memory: they are read a page after another', async () => {
  const worker = await bundleWorker(new URL('../support/figures-worker.ts', import.meta.url));
  const args = ['--max-old-space-size=48', worker.path, '2000000'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  worker.remove();
  const { tenure, pages, largest } = JSON.parse(stdout) as Record<string, never>;
  expect({ pages, largest }).toEqual({ pages: 1_641, largest: 5_000 });
  // Each tenth leaves, after 1, 11, …, 91 days, three seconds of which it was not active yet.
  const ended = { customers: 200_000, meanDays: 46 - 3 / 86_400, medianDays: 46 };
  expect(tenure).toMatchObject({
    ended: { ...ended, meanDays: expect.closeTo(ended.meanDays, 6) as number },
    current: { customers: 1_800_000 },
  });
}, 120_000);

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`figures on ${title}`, () => {
    it('are of what happened to this tenant’s customers until then', async () => {
      const backend = await create();
      const run = await rig(backend);
      const start = run.clock.now();
      const [stays, leaves] = [await run.active(), await run.active()];
      const { id: neverCame } = await run.acme.customers.register(someone());
      await run.acme.verification.verify(neverCame, {
        verificationToken: await run.token(neverCame),
        verificationType: 'email',
      });
      await run.acme.customers.markChurning(neverCame);
      await run.other.customers.register(someone());
      run.clock.set(start + 40 * day);
      for (const id of [leaves, neverCame]) await run.acme.customers.deactivate(id);
      await run.acme.suspension.suspend(stays, { actionType: 'abuse' });
      run.clock.set(start + 50 * day);
      const { funnel, churn, tenure, cohorts } = await run.acme.figures.read({ from: start, to: run.clock.now() });
      expect(funnel).toEqual({
        registered: 3,
        verified: 3,
        onboarding: 2,
        active: 2,
        medianDaysToActive: expect.any(Number),
      });
      expect(churn.map(({ gained, lost }) => [gained, lost])).toEqual([
        [2, 0],
        [0, 1],
      ]);
      expect(cohorts[0]).toMatchObject({ registered: 3, served: [2, 1] });
      expect(tenure.ended.medianDays).toBeCloseTo(40, 1);
      const before = await run.acme.figures.read({ from: start, to: start + 39 * day });
      expect(before.tenure).toMatchObject({ ended: { customers: 0, medianDays: null }, current: { customers: 2 } });
      expect((await run.acme.figures.read()).funnel.registered).toBe(3);
      const stopped = AbortSignal.abort(new Error('enough'));
      await expect(run.acme.figures.read({ signal: stopped })).rejects.toThrow('enough');
      for (const ask of [{ from: 5, to: 5 }, { from: 0 }, { from: Number.NaN }, { to: Infinity }])
        await expect(run.acme.figures.read(ask)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await run.stop();
      await backend.close();
    });
  });
