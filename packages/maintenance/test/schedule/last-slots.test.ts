import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lastSlots } from '../../src/schedule/last-slots.js';
import { scheduleRules, type ScheduleRulesDraft } from '../../src/schedule/rules.js';
import { nextFirings } from '../../src/schedule/simulate.js';
import { timetableOf, type Timetable } from '../../src/schedule/timetable.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const now = Date.UTC(2026, 10, 15, 12);
const timetable = (draft: ScheduleRulesDraft) => timetableOf(scheduleRules.parse(draft), 'a');
/** Counts how often it is asked for slots: that is what takes the time. */
const counting = (table: Timetable) => {
  const asked = { times: 0 };
  const next = (after: number): number | null => {
    asked.times += 1;
    return table.next(after);
  };
  return { asked, table: { ...table, next } };
};

describe('the last slots', () => {
  it('are those that one finds who walks through all', () => {
    const drafts = fc.constantFrom<ScheduleRulesDraft>(
      { everyMs: 7 * second },
      { everyMs: 6 * day },
      { cron: '*/5 * * * *' },
      { cron: '30 1,2,3 * * *', timeZone: 'Europe/Berlin' },
      { cron: '* * 13 * 5' },
      { cron: '*/10 0-3 8 10-11 *', timeZone: 'Europe/Berlin' },
    );
    const [from, to] = [Date.UTC(2026, 9, 20), Date.UTC(2026, 9, 28)];
    const instant = fc.integer({ min: from, max: to });
    const counts = fc.integer({ min: 1, max: 120 });
    fc.assert(
      fc.property(drafts, instant, fc.integer({ min: 0, max: 2 * day }), counts, (draft, after, spanMs, count) => {
        const table = timetable(draft);
        const all: number[] = [];
        for (let at = table.next(after); at !== null && at <= after + spanMs; at = table.next(at)) all.push(at);
        expect(lastSlots(table, after, after + spanMs, count)).toEqual(all.slice(-count));
      }),
      { numRuns: 300 },
    );
  });

  it('are those after the one end, and until the other', () => {
    const hourly = timetable({ cron: '0 * * * *' });
    expect(lastSlots(hourly, now - 2 * hour, now, 9)).toEqual([now - hour, now]);
    expect(lastSlots(hourly, now - 1, now, 9)).toEqual([now]);
    expect(lastSlots(hourly, now, now + hour - 1, 9)).toEqual([]);
  });

  it('of a time that is long over are found without walking through it', () => {
    const january = counting(timetable({ cron: '* * * * 1 *', timeZone: 'Europe/Berlin' }));
    const [last] = lastSlots(january.table, now - 10 * 366 * day, now, 1);
    expect(new Date(last as number).toISOString()).toBe('2026-01-31T22:59:59.000Z');
    expect(january.asked.times).toBeLessThan(200);
  });
});

describe('the next slots that begin', () => {
  const weekly = [{ days: ['sat' as const], from: '22:00', until: '23:00' }];
  it.each([
    [{ outsideWindow: 'wait' as const }, ['2026-11-21T21:59:30', '2026-11-21T22:00:30', '2026-11-21T22:01:30']],
    [{ outsideWindow: 'skip' as const }, ['2026-11-21T22:00:30', '2026-11-21T22:01:30', '2026-11-21T22:02:30']],
  ])('are found without walking through the time that it is shut: %j', (rule, expected) => {
    const { table, asked } = counting(timetable({ cron: '30 * * * * *', windows: weekly, ...rule }));
    const slots = nextFirings(table, now, 3, 0).map(({ slotAt }) => new Date(slotAt).toISOString().slice(0, 19));
    expect(slots).toEqual(expected);
    expect(asked.times).toBeLessThan(200);
  });

  it('are those that one finds who walks through all', () => {
    const drafts = fc.record({
      everyMs: fc.constantFrom(minute, 25 * minute, 3 * hour),
      jitterMs: fc.constantFrom(0, 20 * second, 59 * second),
      jitter: fc.constantFrom('stable' as const, 'random' as const),
      outsideWindow: fc.constantFrom('wait' as const, 'skip' as const),
      windows: fc.constant<ScheduleRulesDraft['windows']>([
        ...weekly,
        { days: ['mon', 'tue'], from: '03:00', until: '03:30' },
      ]),
    });
    const counts = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(drafts, fc.integer({ min: now, max: now + 7 * day }), counts, (draft, after, count) => {
        const table = timetable(draft);
        const firings = nextFirings(table, after, count, 0);
        const all = [];
        const end = firings.length === count ? (firings.at(-1)?.slotAt ?? 0) : after + 60 * day;
        for (let at = table.next(after - day); at !== null && at <= end; at = table.next(at)) {
          const firing = table.firing(at);
          if (firing.startsAt !== null && firing.startsAt > after) all.push(firing);
        }
        expect(firings).toEqual(all);
      }),
      { numRuns: 60 },
    );
  });
});
