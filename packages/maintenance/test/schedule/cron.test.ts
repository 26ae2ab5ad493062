import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cronSlots } from '../../src/schedule/cron.js';

const minute = 60_000;

/** One field of cron, and the numbers that it stands for. */
function field(least: number, most: number, whole = most) {
  const number = fc.integer({ min: least, max: most });
  const range = (from: number, to: number, step = 1): number[] =>
    Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
  return fc.oneof(
    fc.constant({ text: '*', all: true, values: range(least, whole) }),
    number.map((value) => ({ text: String(value), all: false, values: [value] })),
    fc.tuple(number, number).map(([a, b]) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      return { text: `${from}-${to}`, all: false, values: range(from, to) };
    }),
    fc.integer({ min: 2, max: most }).map((step) => ({
      text: `*/${step}`,
      all: false,
      values: range(least, whole, step),
    })),
    fc.uniqueArray(number, { minLength: 1, maxLength: 3 }).map((values) => ({
      text: values.join(','),
      all: false,
      values,
    })),
  );
}

const expression = fc.record({
  minutes: field(0, 59),
  hours: field(0, 23),
  monthDays: field(1, 28, 31),
  months: field(1, 12),
  weekDays: field(0, 6),
});
type Expression = typeof expression extends fc.Arbitrary<infer E> ? E : never;

/** As croner has it: a day matches either field when both are restricted, and only `*` itself does not restrict. */
function matches({ minutes, hours, monthDays, months, weekDays }: Expression, at: Date): boolean {
  const onMonthDay = monthDays.values.includes(at.getUTCDate());
  const onWeekDay = weekDays.values.includes(at.getUTCDay());
  const onDay = monthDays.text === '*' || weekDays.text === '*' ? onMonthDay && onWeekDay : onMonthDay || onWeekDay;
  return (
    minutes.values.includes(at.getUTCMinutes()) &&
    hours.values.includes(at.getUTCHours()) &&
    months.values.includes(at.getUTCMonth() + 1) &&
    onDay
  );
}

describe('the slots of a cron expression', () => {
  it('are those minutes that match it, and no others', () => {
    const start = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2028, 0, 1) });
    fc.assert(
      fc.property(expression, start, (cron, after) => {
        const { minutes, hours, monthDays, months, weekDays } = cron;
        const text = [minutes, hours, monthDays, months, weekDays].map((it) => it.text).join(' ');
        const next = cronSlots('cron', text).next(after);
        let expected: number | null = null;
        const first = Math.floor(after / minute) * minute + minute;
        // Far enough to see most; an expression that matches later must at least not match sooner.
        const horizon = first + 3 * 24 * 60 * minute;
        for (let at = first; at < horizon && expected === null; at += minute)
          if (matches(cron, new Date(at))) expected = at;
        if (expected === null) expect(next === null || next >= horizon).toBe(true);
        else expect(next).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('move on from each to the next, and never stand still', () => {
    fc.assert(
      fc.property(expression, ({ minutes, hours }) => {
        const { next } = cronSlots('cron', `${minutes.text} ${hours.text} * * *`);
        let at = Date.UTC(2026, 0, 1);
        for (let count = 0; count < 20; count++) {
          const slot = next(at);
          expect(slot).not.toBeNull();
          expect(Number(slot)).toBeGreaterThan(at);
          expect(next(Number(slot) - 1)).toBe(slot);
          at = Number(slot);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('are of the time zone, also where its clocks are changed', () => {
    const { next } = cronSlots('cron', '0 3 * * *', 'Europe/Berlin');
    // On 29 March 2026 the clocks go from 02:00 to 03:00, on 25 October from 03:00 back to 02:00.
    expect(next(Date.UTC(2026, 2, 27, 12))).toBe(Date.UTC(2026, 2, 28, 2));
    expect(next(Date.UTC(2026, 2, 28, 12))).toBe(Date.UTC(2026, 2, 29, 1));
    expect(next(Date.UTC(2026, 9, 24, 12))).toBe(Date.UTC(2026, 9, 25, 2));
  });

  it.each(['', '* * * *', '* * * * * *', '60 * * * *', 'x * * * *', '@daily'])('refuses "%s"', (wrong) => {
    expect(() => cronSlots('schedules.x.cron', wrong)).toThrow(/schedules\.x\.cron/);
  });
});
