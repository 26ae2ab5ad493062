import { describe, expect, it } from 'vitest';
import { slotsPerDay } from '../../src/schedule/frequency.js';
import { scheduleRules, type ScheduleRulesDraft } from '../../src/schedule/rules.js';
import { timetableOf } from '../../src/schedule/timetable.js';

const now = Date.UTC(2026, 0, 31, 12);
const perDay = (draft: ScheduleRulesDraft) => slotsPerDay(timetableOf(scheduleRules.parse(draft), 'a'), now);

describe('the slots of a day', () => {
  it.each<[ScheduleRulesDraft, number]>([
    [{ everyMs: 3_600_000 }, 24],
    [{ cron: '* * * * * *' }, 86_400],
    [{ cron: '30 3 * * *', timeZone: 'Europe/Berlin' }, 1],
    [{ cron: '0 3 * * 1' }, 1 / 7],
    [{ cron: '0 3 1 * *' }, 12 / 365],
    [{ cron: '0 9-16 * * 1-5' }, 8 * (5 / 7)],
  ])('are counted: %j', (draft, expected) => expect(Math.abs(perDay(draft) / expected - 1)).toBeLessThan(0.03));

  it('are none of what comes no more', () => expect(slotsPerDay({ next: () => null }, now)).toBe(0));
});
