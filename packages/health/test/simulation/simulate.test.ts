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

  it.each([
    ['nothing that is well', ['healthy', 'healthy'], 0],
    ['nothing that is merely slow', ['healthy', 'degraded', 'degraded'], 0],
    ['what fails', ['healthy', 'offline', 'offline'], 1],
    ['what fails and is well again', ['healthy', 'critical', 'critical', 'healthy'], 1],
    ['what grows worse', ['healthy', 'critical', 'critical', 'offline', 'offline', 'healthy'], 2],
    ['what is slow and then fails', ['degraded', 'degraded', 'offline', 'healthy'], 1],
    ['what fails twice', ['offline', 'healthy', 'healthy', 'offline', 'healthy'], 2],
  ] as [string, EndpointStatus[], number][])('pages for %s', (_, statuses, pages) => {
    const results = outcomes(statuses).map((it) => ({ ...it, at: it.at * 60 }));
    expect(simulate(results, once).pages).toBe(pages);
  });

  it('pages once for what was over before it could be told, and no more once it comes and goes', () => {
    expect(simulate(outcomes(['healthy', 'offline', 'healthy', 'healthy']), once).pages).toBe(1);
    const hour = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? 'offline' : 'healthy') as EndpointStatus);
    const comesAndGoes = outcomes(hour).map((it) => ({ ...it, at: it.at * 60 }));
    const { incidents, pages, flapped } = simulate(comesAndGoes, once);
    // Three, and then it flaps, which the fourth is of.
    expect([incidents.length, pages, flapped]).toEqual([4, 4, true]);
    expect(incidents.at(-1)?.resolvedAt).toBeNull();
    const well = outcomes(Array.from({ length: 20 }, () => 'healthy' as const));
    const after = well.map((it) => ({ ...it, at: it.at * 60 + 3_600_000 }));
    const wellAgain = simulate([...comesAndGoes, ...after], once);
    expect(wellAgain.pages).toBe(pages);
    expect(wellAgain.incidents.at(-1)?.resolvedAt).toBeGreaterThan(3_600_000);
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

  it('goes by results of one’s own, in any order, with the endpoint’s policy where none is given', async () => {
    const { clock, scope, register, becomes } = await staged((it) => memoryHealthStore({ clock: it }));
    const web = await register('web', { retryCount: 2, expectedResponseTime: 1 });
    await becomes(web, 'healthy');
    const statuses = ['healthy', 'offline', 'offline', 'healthy', 'offline', 'healthy'] as const;
    const start = Date.UTC(2025, 5, 1);
    const results = statuses.map((status, index) => ({
      checkedAt: start + index * 60_000,
      status,
      responseTime: null,
    }));
    const expected = { retryCount: 2, recoveryCount: 1, minErrorMs: 0, recoveryResponseMs: null };
    const outcomes = results.map(({ checkedAt: at, status }) => ({ at, status, responseTimeMs: null }));
    expect(await scope.simulate(web.id, { results: [...results].reverse() })).toEqual(simulate(outcomes, expected));
    const eager = await scope.simulate(web.id, { results, retryCount: 1 });
    expect(eager).toMatchObject({ from: start, until: start + 300_000, results: 6, pages: 2 });
    expect(eager.incidents).toHaveLength(2);
    // What the endpoint itself did stays out of it, and as it was.
    await clock.advance(1_000);
    expect(await scope.simulate(web.id)).toMatchObject({ incidents: [] });
    // As results are shown, they can be given.
    const { items } = await scope.history.results(web.id);
    expect(await scope.simulate(web.id, { results: items })).toEqual(await scope.simulate(web.id));
  });

  it('judges results of one’s own by another expected time, and leaves alone what was degraded for something else', async () => {
    const { scope, register } = await staged((it) => memoryHealthStore({ clock: it }));
    const { id } = await register('web');
    const slow = { status: 'degraded' as const, responseTime: 3 };
    const results = [
      { checkedAt: 1_000, status: 'healthy' as const, responseTime: 2 },
      { checkedAt: 2_000, ...slow },
      { checkedAt: 3_000, ...slow, message: 'HTTP 200, slower than expected' },
      { checkedAt: 4_000, ...slow, message: 'Few threads are left' },
      { checkedAt: 5_000, status: 'offline' as const },
    ];
    const changesWith = async (expectedResponseTime?: number): Promise<string[]> => {
      const policy = { results, ...(expectedResponseTime !== undefined && { expectedResponseTime }) };
      return (await scope.simulate(id, policy)).transitions.map(({ at, to }) => `${at / 1_000} ${to}`);
    };
    expect(await changesWith()).toEqual(['1 healthy', '2 degraded', '5 offline']);
    expect(await changesWith(5)).toEqual(['1 healthy', '4 degraded', '5 offline']);
    expect(await changesWith(1)).toEqual(['1 degraded', '5 offline']);
  });

  it.each([
    ['none', []],
    ['more than 10,000', Array.from({ length: 10_001 }, (_, at) => ({ checkedAt: at, status: 'healthy' as const }))],
    ['what was at no time', [{ checkedAt: NaN, status: 'healthy' as const }]],
    ['a negative time', [{ checkedAt: 1, status: 'healthy' as const, responseTime: -1 }]],
    ['what is no status', [{ checkedAt: 1, status: 'up' as 'healthy' }]],
  ])('refuses %s', async (_, results) => {
    const { scope, register } = await staged((it) => memoryHealthStore({ clock: it }));
    const { id } = await register('web');
    await expect(scope.simulate(id, { results })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
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
      made.map(({ data: { from, to, code, since, checkedAt } }) => ({ from, code, to, since, at: checkedAt })),
    );
    // Never down for so long, and yet not well.
    const patient = await scope.simulate(id, { retryCount: 10 });
    expect(patient.incidents.length > 0).toBe(patient.flapped);
    expect(patient.transitions.every(({ to }) => to === 'healthy')).toBe(true);
    await expect(scope.simulate(id, { retryCount: 0 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
