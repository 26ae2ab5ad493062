import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { momentOf, reckon } from '../../src/schedule/reckon.js';
import { scheduleRules, type ScheduleRulesDraft } from '../../src/schedule/rules.js';
import { timetableOf } from '../../src/schedule/timetable.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const timetable = (draft: ScheduleRulesDraft) => timetableOf(scheduleRules.parse(draft), 'acme nightly');
const at = (text: string): number => Date.parse(`2026-01-${text}Z`);
const times = (firings: { slotAt: number }[]): string[] =>
  firings.map(({ slotAt }) => new Date(slotAt).toISOString().slice(8, 16));

describe('slots that came due', () => {
  const hourly = { cron: '0 * * * *' };

  it('run when they do', () => {
    const { run, leftOut, until } = reckon(timetable(hourly), at('05T11:00'), at('05T12:00:02'));
    expect(times(run)).toEqual(['05T12:00']);
    expect(leftOut).toEqual([]);
    expect(until).toBe(at('05T12:00:02'));
  });

  it('run once after a stop, the last of them, within half of the interval', () => {
    const after = at('05T03:00');
    const late = reckon(timetable(hourly), after, at('05T09:20'));
    expect(times(late.run)).toEqual(['05T09:00']);
    expect(late.leftOut.map(({ outcome }) => outcome)).toEqual(Array<string>(5).fill('grace_passed'));
    const tooLate = reckon(timetable(hourly), after, at('05T09:31'));
    expect(tooLate.run).toEqual([]);
    expect(times(tooLate.leftOut)).toContain('05T09:00');
  });

  it('run up to six hours late when they are seldom, or as late as is said', () => {
    const daily = { cron: '0 3 * * *' };
    expect(times(reckon(timetable(daily), at('04T04:00'), at('05T08:59')).run)).toEqual(['05T03:00']);
    expect(reckon(timetable(daily), at('04T04:00'), at('05T09:01')).run).toEqual([]);
    expect(times(reckon(timetable({ ...daily, graceMs: 12 * hour }), at('04T04:00'), at('05T14:00')).run)).toEqual([
      '05T03:00',
    ]);
  });

  it('are not made up for when that is not wanted, and are on time for ten seconds', () => {
    const never = timetable({ ...hourly, catchUp: 'skip' });
    expect(reckon(never, at('05T11:30'), at('05T12:00:11')).leftOut).toEqual([
      { slotAt: at('05T12:00'), outcome: 'grace_passed' },
    ]);
    expect(times(reckon(never, at('05T11:30'), at('05T12:00:10')).run)).toEqual(['05T12:00']);
  });

  it.each([0, second, 10 * second])(
    'are on time for ten seconds with a grace of %d ms, and told of for hours',
    (graceMs) => {
      const strict = timetable({ ...hourly, graceMs });
      for (const now of ['05T12:00:00', '05T12:00:10'])
        expect(times(reckon(strict, at('05T11:30'), at(now)).run)).toEqual(['05T12:00']);
      expect(reckon(strict, at('05T11:30'), at('05T12:00:11'))).toMatchObject({
        run: [],
        leftOut: [{ slotAt: at('05T12:00'), outcome: 'grace_passed' }],
      });
      expect(times(reckon(strict, at('05T01:30'), at('05T12:30')).leftOut)).toEqual([
        ...['05T07:00', '05T08:00', '05T09:00', '05T10:00', '05T11:00', '05T12:00'],
      ]);
    },
  );

  it('run six hours late at the most, also where windows have them looked for much further back', () => {
    const morning = timetable({ cron: '0 3 * * *', windows: [{ from: '02:00', until: '12:00' }] });
    expect(times(reckon(morning, at('04T04:00'), at('05T09:00')).run)).toEqual(['05T03:00']);
    const { run, leftOut } = reckon(morning, at('04T04:00'), at('05T09:01'));
    expect(run).toEqual([]);
    expect(leftOut).toEqual([{ slotAt: at('05T03:00'), outcome: 'grace_passed' }]);
  });

  it('are as late as they may be from when they are due, however long their jitter is', () => {
    const rules = scheduleRules.parse({ cron: '0 0 * * *', jitterMs: 12 * hour, graceMs: hour });
    for (let key = 0; key < 20; key++) {
      const table = timetableOf(rules, `key ${key}`);
      const { dueAt } = table.firing(at('05T00:00'));
      expect(times(reckon(table, at('04T12:00'), dueAt + hour).run)).toEqual(['05T00:00']);
      expect(reckon(table, at('04T12:00'), dueAt + hour + 1).run).toEqual([]);
    }
  });

  it('are dealt with once when the clock is set back', () => {
    const table = timetable(hourly);
    const { until } = reckon(table, at('05T11:30'), at('05T12:00'));
    expect(reckon(table, until, at('05T11:00'))).toEqual({ run: [], leftOut: [], until });
  });

  it('run all, the newest of them at most, in their order', () => {
    const all = timetable({ ...hourly, catchUp: 'all', catchUpMax: 3, graceMs: 6 * hour });
    const { run, leftOut } = reckon(all, at('05T01:00'), at('05T12:10'));
    expect(times(run)).toEqual(['05T10:00', '05T11:00', '05T12:00']);
    expect(leftOut.filter(({ outcome }) => outcome === 'superseded').map(({ slotAt }) => slotAt)).toEqual([
      at('05T07:00'),
      at('05T08:00'),
      at('05T09:00'),
    ]);
  });

  it('run no more when the window has closed', () => {
    const nightly = timetable({ cron: '0 3 * * *', graceMs: 6 * hour, windows: [{ from: '02:00', until: '05:00' }] });
    expect(times(reckon(nightly, at('04T04:00'), at('05T04:59')).run)).toEqual(['05T03:00']);
    expect(reckon(nightly, at('04T04:00'), at('05T05:00')).leftOut).toEqual([
      { slotAt: at('05T03:00'), outcome: 'outside_window' },
    ]);
  });

  it('wait for a window: the last of those that would, and it alone', () => {
    const waiting = timetable({ ...hourly, windows: [{ from: '02:00', until: '04:00' }] });
    const evening = reckon(waiting, at('05T20:30'), at('05T23:10'));
    expect(evening.run).toEqual([]);
    expect(times(evening.leftOut)).toEqual(['05T21:00', '05T22:00', '05T23:00']);
    // 02:00 comes before the window opens for 01:00.
    expect(waiting.firing(at('06T01:00')).startsAt).toBeNull();
    const daily = timetable({ cron: '0 20 * * *', windows: [{ from: '02:00', until: '04:00' }] });
    const pending = reckon(daily, at('04T21:00'), at('05T23:10'));
    expect(pending).toEqual({ run: [], leftOut: [], until: at('05T20:00') - 1 });
    expect(times(reckon(daily, pending.until, at('06T02:00')).run)).toEqual(['05T20:00']);
  });

  it.each(['stable', 'random'] as const)('all run, whatever the key and however long the %s jitter is', (jitter) => {
    const rules = scheduleRules.parse({ cron: '*/5 * * * *', jitterMs: 12 * hour, jitter });
    for (let key = 0; key < 20; key++) {
      const table = timetableOf(rules, `key ${key}`);
      const found: string[] = [];
      for (let [now, until] = [at('05T00:00'), at('05T00:00') - 1]; now < at('06T00:00'); now += second) {
        const reckoning = reckon(table, until, now);
        expect(reckoning.leftOut).toEqual([]);
        found.push(...times(reckoning.run));
        until = reckoning.until;
        now = Math.max(now, momentOf(table.firing(table.next(until) as number)) - second);
      }
      expect([key, found.length]).toEqual([key, 288]);
      expect(found).toEqual([...new Set(found)].sort());
    }
  });

  it('of every second are not walked through for days', () => {
    const { run, leftOut } = reckon(timetable({ everyMs: second, graceMs: day }), 0, at('20T00:00'));
    expect(run).toHaveLength(1);
    expect(leftOut.length).toBeLessThan(100);
  });

  it('are each dealt with once, however often one looks', () => {
    const rules = fc.record({
      everyMs: fc.constantFrom(5 * minute, hour, 7 * hour),
      jitterMs: fc.integer({ min: 0, max: 4 * minute }),
      jitter: fc.constantFrom('stable' as const, 'random' as const),
      catchUp: fc.constantFrom('skip' as const, 'once' as const, 'all' as const),
      windows: fc.constantFrom<{ from: string; until: string }[]>([], [{ from: '22:00', until: '05:30' }]),
      outsideWindow: fc.constantFrom('wait' as const, 'skip' as const),
    });
    const steps = fc.array(fc.integer({ min: second, max: 3 * hour }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(rules, steps, (draft, waits) => {
        const table = timetable(draft);
        const seen = new Set<number>();
        let [now, until] = [at('05T00:00'), at('05T00:00')];
        for (const wait of waits) {
          now += wait;
          const reckoning = reckon(table, until, now);
          for (const { slotAt } of [...reckoning.run, ...reckoning.leftOut]) {
            expect(seen.has(slotAt)).toBe(false);
            expect(slotAt).toBeGreaterThan(until);
            seen.add(slotAt);
          }
          for (const firing of reckoning.run) {
            expect(momentOf(firing)).toBeLessThanOrEqual(now);
            expect(table.hours.isOpen(now)).toBe(true);
          }
          expect(reckoning.until).toBeGreaterThanOrEqual(until);
          expect(reckoning.until).toBeLessThanOrEqual(now);
          until = reckoning.until;
        }
      }),
      { numRuns: 200 },
    );
  });
});
