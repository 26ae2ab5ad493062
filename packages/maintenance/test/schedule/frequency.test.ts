import { describe, expect, it } from 'vitest';
import { paceOf, scheduledTasks } from '../../src/schedule/frequency.js';
import type { PlannedSchedule } from '../../src/schedule/planned.js';
import { scheduleRules, type ScheduleRulesDraft } from '../../src/schedule/rules.js';
import { timetableOf } from '../../src/schedule/timetable.js';

const now = Date.UTC(2026, 0, 31, 12);
const pace = (draft: ScheduleRulesDraft) => paceOf(timetableOf(scheduleRules.parse(draft), 'a'), now);
const perDay = (draft: ScheduleRulesDraft) => pace(draft).runsPerDay;
const night = (from: string, until: string) => ({ windows: [{ from, until }], timeZone: 'UTC' });

describe('the slots of a day', () => {
  it.each<[ScheduleRulesDraft, number]>([
    [{ everyMs: 3_600_000 }, 24],
    [{ cron: '* * * * * *' }, 86_400],
    [{ cron: '30 3 * * *', timeZone: 'Europe/Berlin' }, 1],
    [{ cron: '0 3 * * 1' }, 1 / 7],
    [{ cron: '0 3 1 * *' }, 12 / 365],
    [{ cron: '0 9-16 * * 1-5' }, 8 * (5 / 7)],
    [{ everyMs: 3_600_000, ...night('02:00', '05:00'), outsideWindow: 'skip' }, 3],
  ])('are counted: %j', (draft, expected) => expect(Math.abs(perDay(draft) / expected - 1)).toBeLessThan(0.03));

  it('are none of what comes no more', () => {
    const timetable = timetableOf(scheduleRules.parse({ everyMs: 3_600_000 }), 'a');
    expect(paceOf({ ...timetable, next: () => null }, now)).toEqual({ runsPerDay: 0, longestMs: null });
  });
});

describe('the time that a run may take', () => {
  const minuteMs = 60_000;
  it.each<[ScheduleRulesDraft, number | null]>([
    [{ everyMs: 3_600_000 }, null],
    [{ everyMs: 3_600_000, timeoutMs: minuteMs }, minuteMs],
    // At 2, 3 and 4 o'clock: three, two hours and one.
    [{ everyMs: 3_600_000, ...night('02:00', '05:00'), outsideWindow: 'skip' }, 120 * minuteMs],
    [{ everyMs: 3_600_000, ...night('02:00', '05:00'), outsideWindow: 'skip', timeoutMs: minuteMs }, minuteMs],
    [{ cron: '30 3 * * *', ...night('02:00', '05:00') }, 90 * minuteMs],
    [{ cron: '30 1 * * *', ...night('02:00', '05:00') }, 180 * minuteMs],
  ])('is what windows and timeout leave: %j', (draft, expected) => {
    const { longestMs } = pace(draft);
    if (expected === null) expect(longestMs).toBeNull();
    else expect(Math.abs((longestMs ?? Infinity) / expected - 1)).toBeLessThan(0.01);
  });
});

it('the pace of a schedule is reckoned once a day, however often one asks', () => {
  const table = timetableOf(scheduleRules.parse({ everyMs: 3_600_000, ...night('02:00', '05:00') }), 'a');
  let asked = 0;
  const next = (after: number): number | null => {
    asked += 1;
    return table.next(after);
  };
  const planned = {
    ...{ tenantId: 'acme', name: 'it', task: { type: 'sweep' }, parameters: {}, pausedAt: null, refusal: null },
    timetable: { ...table, next },
  } as unknown as PlannedSchedule;
  const askAt = (at: number) => scheduledTasks([planned], 'acme', 'sweep', at);
  const first = askAt(now);
  const once = asked;
  expect(askAt(now + 23 * 3_600_000)).toEqual(first);
  expect(asked).toBe(once);
  askAt(now + 24 * 3_600_000);
  expect(asked).toBe(2 * once);
});
