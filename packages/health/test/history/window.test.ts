import { describe, expect, it } from 'vitest';
import { memoryHealthStore } from '../../src/index.js';
import { staged } from '../support/staged.js';

const hour = 3_600_000;

describe('a trend over a window', () => {
  async function stage() {
    const it = await staged((clock) => memoryHealthStore({ clock }));
    const web = await it.register('web', { checkInterval: 60 });
    await it.becomes(web, 'healthy');
    const passes = async (hours: number): Promise<void> => {
      for (let minute = 0; minute < hours * 60; minute += 30) await it.clock.advance(hour / 2);
    };
    return { ...it, web, passes, trend: it.scope.history.trend };
  }

  it('that is over counts what was within, and not what came since', async () => {
    const { clock, web, becomes, passes, trend } = await stage();
    await passes(2);
    await becomes(web, 'offline');
    const from = Math.ceil(clock.now() / 60_000) * 60_000;
    await passes(2);
    const until = Math.floor(clock.now() / 60_000) * 60_000;
    await becomes(web, 'healthy');
    await passes(4);
    const within = await trend(web.id, { from, until });
    expect(within).toMatchObject({ availabilityPercentage: 0, availabilityByDuration: 0 });
    expect(within.periodHours).toBe((until - from) / hour);
    expect(within.recentIssues.every(({ timestamp }) => timestamp >= from && timestamp < until)).toBe(true);
    expect(within.recentIssues.length).toBeGreaterThan(0);
    expect(within.series.every((point) => point.availabilityByDuration === 0)).toBe(true);
    const after = await trend(web.id, { from: until + 600_000 });
    expect(after).toMatchObject({ availabilityPercentage: 100, availabilityByDuration: 100, recentIssues: [] });
    expect((await trend(web.id, { hours: 1, until: from })).availabilityPercentage).toBeGreaterThan(90);
    expect(await trend(web.id, 3)).toEqual(await trend(web.id, { hours: 3 }));
  });

  it.each([
    ['hours and a beginning', { hours: 1, from: -hour }, ['from']],
    ['an end that is to come', { until: 1_000 }, ['until']],
    ['an end before its beginning', { from: -hour, until: -2 * hour }, ['from']],
    ['a beginning longer ago than is kept', { from: -400 * 24 * hour - 1 }, ['from']],
    ['hours that are none', { hours: 0.5 }, ['hours']],
  ])(
    'with %s is refused',
    async (_, { hours, ...offsets }: { hours?: number; from?: number; until?: number }, paths) => {
      const { clock, web, trend } = await stage();
      const instants = Object.fromEntries(Object.entries(offsets).map(([name, ms]) => [name, clock.now() + ms]));
      const refused = trend(web.id, { ...(hours !== undefined && { hours }), ...instants });
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', issues: paths.map((path) => ({ path })) });
    },
  );
});
