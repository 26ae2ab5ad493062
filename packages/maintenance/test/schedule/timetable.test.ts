import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulateSchedule } from '../../src/index.js';
import { scheduleRules, type ScheduleRulesDraft } from '../../src/schedule/rules.js';
import { nextFirings } from '../../src/schedule/simulate.js';
import { faultsOfRules, timetableOf } from '../../src/schedule/timetable.js';

const [minute, hour] = [60_000, 3_600_000];
const rules = (draft: ScheduleRulesDraft) => scheduleRules.parse(draft);

describe('a timetable', () => {
  it('has intervals at the multiples of theirs, whoever looks', () => {
    const { next } = timetableOf(rules({ everyMs: 15 * minute }), 'a');
    const [first, second] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1, 0, 15)];
    expect(next(first - 1)).toBe(first);
    expect(next(first)).toBe(second);
    expect(next(second - 1)).toBe(second);
  });

  it('delays by the same for one schedule, by another for the next, and within the bound', () => {
    const slot = Date.UTC(2026, 0, 1);
    const delays = (key: string, jitter: 'stable' | 'random') =>
      [0, 1, 2, 3].map((hours) => {
        const at = slot + hours * hour;
        return timetableOf(rules({ everyMs: hour, jitterMs: 10 * minute, jitter }), key).firing(at).dueAt - at;
      });
    expect(new Set(delays('a', 'stable')).size).toBe(1);
    expect(delays('a', 'stable')).not.toEqual(delays('b', 'stable'));
    expect(new Set(delays('a', 'random')).size).toBe(4);
    expect(delays('a', 'random')).toEqual(delays('a', 'random'));
    for (const delay of [...delays('a', 'stable'), ...delays('a', 'random')]) {
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(10 * minute);
    }
  });

  it('asks whether a window is open when a slot is due, not when it was meant', () => {
    const [slot, shut] = [Date.UTC(2026, 0, 1, 2, 59), Date.UTC(2026, 0, 1, 3)];
    const windows = [{ from: '02:00', until: '03:00' }];
    const late = rules({ cron: '59 2 * * *', jitterMs: 10 * minute, windows, outsideWindow: 'skip' });
    const firings = Array.from({ length: 30 }, (_, key) => timetableOf(late, `key ${key}`).firing(slot));
    for (const { dueAt, startsAt } of firings) expect(startsAt).toBe(dueAt < shut ? dueAt : null);
    expect(new Set(firings.map(({ startsAt }) => startsAt === null)).size).toBe(2);
  });

  it.each(['stable', 'random'] as const)('has each slot due before the next, however long its %s jitter', (jitter) => {
    const crons = ['*/5 * * * *', '0 2,3 * * *', '0 3 * * *', '* * * * * *', '0 2 29 2 *'];
    for (const cron of crons) {
      const { next, firing } = timetableOf(
        rules({ cron, jitterMs: 12 * hour, jitter, timeZone: 'Europe/Berlin' }),
        'a',
      );
      let slot = next(Date.UTC(2026, 2, 28)) as number;
      for (let slots = 0; slots < 300; slots++) {
        const { dueAt } = firing(slot);
        const following = next(slot) as number;
        expect(dueAt).toBeGreaterThanOrEqual(slot);
        expect(dueAt).toBeLessThanOrEqual(slot + 12 * hour);
        expect(dueAt).toBeLessThan(following);
        slot = following;
      }
    }
  });

  it.each([
    [{}, 'cron'],
    [{ cron: '* * * * *', everyMs: minute }, 'cron'],
    [{ cron: '61 * * * *' }, 'cron'],
    [{ cron: '0 0 30 2 *' }, 'cron'],
    [{ cron: '* * * * *', timeZone: 'Mars/Phobos' }, 'time_zone'],
    [{ everyMs: minute, jitterMs: minute }, 'jitter_ms'],
  ])('is refused: %j', (draft, path) => {
    expect(faultsOfRules(rules(draft))).toMatchObject([{ path }]);
    expect(() => timetableOf(rules(draft), 'a')).toThrow(path);
  });
});

describe('a simulation', () => {
  it('lists every slot, also where clocks are changed', () => {
    const [from, to] = [Date.UTC(2026, 2, 28), Date.UTC(2026, 2, 31)];
    const firings = simulateSchedule({ cron: '30 2 * * *' }, { from, to, timeZone: 'Europe/Berlin' });
    expect(firings.map(({ localTime }) => localTime)).toEqual([
      '2026-03-28T02:30:00+01:00',
      '2026-03-29T03:00:00+02:00',
      '2026-03-30T02:30:00+02:00',
    ]);
  });

  it('says which slots lie outside of the windows, and which wait', () => {
    const [from, to] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 2)];
    const windows = [{ from: '02:00', until: '03:00' }];
    const starts = (outsideWindow: 'wait' | 'skip') =>
      simulateSchedule({ cron: '30 0,2,23 * * *', windows, outsideWindow }, { from, to }).map(({ startsAt }) =>
        startsAt === null ? null : new Date(startsAt).toISOString().slice(8, 16),
      );
    expect(starts('skip')).toEqual([null, '01T02:30', null]);
    expect(starts('wait')).toEqual(['01T02:00', '01T02:30', null]);
  });

  it('is bounded, and refuses what is none', () => {
    const whole = { from: 0, to: Date.UTC(2026, 0, 1) };
    expect(simulateSchedule({ everyMs: 1_000 }, { ...whole, limit: 7 })).toHaveLength(7);
    expect(() => simulateSchedule({ everyMs: 1 }, whole)).toThrow();
    expect(() => simulateSchedule({ everyMs: 1_000 }, { from: NaN, to: 1 })).toThrow(/finite/);
  });

  it('begins with what the next slots are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 41 }), fc.integer({ min: 1, max: 20 }), (after, count) => {
        const draft = {
          cron: '*/20 * * * *',
          windows: [{ days: ['mon', 'sat'], from: '21:00', until: '02:00' }],
        } as const;
        const read = { ...draft, windows: [{ ...draft.windows[0], days: [...draft.windows[0].days] }] };
        const firings = nextFirings(timetableOf(rules(read), ''), after, count, 0);
        const all = simulateSchedule(read, { from: after - 15 * 24 * hour, to: after + 15 * 24 * hour });
        expect(firings).toHaveLength(count);
        const later = all.filter(({ startsAt }) => startsAt !== null && startsAt > after);
        expect(later.slice(0, count)).toMatchObject(firings);
      }),
      { numRuns: 20 },
    );
  });
});
