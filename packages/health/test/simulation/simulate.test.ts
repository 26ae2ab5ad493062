import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryHealthStore, simulate, type EndpointStatus, type Outcome, type Transition } from '../../src/index.js';
import { staged } from '../support/staged.js';

const outcomes = (statuses: readonly EndpointStatus[]): Outcome[] =>
  statuses.map((status, index) => ({ status, at: index * 1_000, responseTimeMs: status === 'offline' ? null : 1 }));
const once = { retryCount: 1, recoveryCount: 1, minErrorMs: 0, recoveryResponseMs: null };

describe('a simulation', () => {
  it('says what would have come of it: incidents, and how long it was what', () => {
    const results = outcomes(['healthy', 'offline', 'offline', 'offline', 'healthy', 'healthy']);
    expect(simulate(results, once)).toMatchObject({
      ...{ from: 0, until: 5_000, results: 6, flapped: false },
      incidents: [{ severity: 'offline', startedAt: 1_000, openedAt: 1_000, resolvedAt: 4_000 }],
      seconds: { healthy: 2, offline: 3 },
    });
    expect(simulate(results, { ...once, retryCount: 3 }).incidents).toEqual([
      { severity: 'offline', startedAt: 1_000, openedAt: 3_000, resolvedAt: 4_000 },
    ]);
    expect(simulate(results, { ...once, retryCount: 4 }).incidents).toEqual([]);
    expect(simulate([], once)).toMatchObject({ from: null, until: null, results: 0, transitions: [] });
  });

  it('pages less, the more it takes to worsen', () => {
    const statuses = fc.array(
      fc.constantFrom<EndpointStatus>('healthy', 'degraded', 'critical', 'offline', 'unknown'),
      {
        maxLength: 100,
      },
    );
    fc.assert(
      fc.property(statuses, (given) => {
        const counts = [1, 2, 4, 8].map(
          (retryCount) => simulate(outcomes(given), { ...once, retryCount }).incidents.length,
        );
        expect([...counts].sort((a, b) => b - a)).toEqual(counts);
      }),
    );
  });

  it('with an endpoint’s own policy makes of its results what the monitor made of them', async () => {
    const script = fc.sample(fc.constantFrom<EndpointStatus>('healthy', 'healthy', 'offline', 'critical'), {
      numRuns: 60,
      seed: 7,
    });
    const { clock, scope, states, register } = await staged((it) => memoryHealthStore({ clock: it }));
    const { id } = await register('web', { retryCount: 2, recoveryCount: 2 });
    const made: Transition[] = [];
    scope.onTransition((transition) => void made.push(transition), { endpointId: id });
    for (const status of script) {
      states.set('web', status);
      await clock.advance(1_000);
    }
    const { transitions, results } = await scope.simulate(id);
    await expect.poll(() => made.length).toBe(transitions.length);
    expect(results).toBeGreaterThan(15);
    expect(transitions.length).toBeGreaterThan(2);
    expect(transitions).toEqual(
      made.map(({ data: { from, to, since, checkedAt } }) => ({ from, to, since, at: checkedAt })),
    );
    expect((await scope.simulate(id, { retryCount: 10 })).incidents).toEqual([]);
    await expect(scope.simulate(id, { retryCount: 0 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
