import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowedWindow, weekDays } from '../../src/windows/allowed-window.js';
import { openingHours } from '../../src/windows/opening-hours.js';

const [minute, day] = [60_000, 86_400_000];
const hours = (windows: { days?: (typeof weekDays)[number][]; from: string; until: string }[], zone = 'UTC') =>
  openingHours(
    windows.map((it) => allowedWindow.parse(it)),
    zone,
  );
const at = (text: string): number => Date.parse(`${text}Z`);

describe('windows', () => {
  it('that are none are always open', () => {
    const always = hours([]);
    expect([always.isOpen(0), always.opensAt(5), always.closesAt(0)]).toEqual([true, 5, null]);
  });

  it('go on after midnight, on the day on which they began', () => {
    const friday = hours([{ days: ['fri'], from: '22:00', until: '04:00' }]);
    // 2 January 2026 is a Friday.
    expect(friday.isOpen(at('2026-01-02T21:59'))).toBe(false);
    expect(friday.isOpen(at('2026-01-02T22:00'))).toBe(true);
    expect(friday.isOpen(at('2026-01-03T03:59'))).toBe(true);
    expect(friday.isOpen(at('2026-01-03T04:00'))).toBe(false);
    expect(friday.isOpen(at('2026-01-02T03:00'))).toBe(false);
    expect(friday.opensAt(at('2026-01-03T04:00'))).toBe(at('2026-01-09T22:00'));
    expect(friday.closesAt(at('2026-01-02T23:00'))).toBe(at('2026-01-03T04:00'));
  });

  it('open a week later, and two weeks later where the clocks leave one out', () => {
    const friday = hours([{ days: ['fri'], from: '10:00', until: '11:00' }]);
    expect(friday.opensAt(at('2026-01-02T12:00'))).toBe(at('2026-01-09T10:00'));
    const sunday = hours([{ days: ['sun'], from: '02:00', until: '02:30' }], 'Europe/Berlin');
    expect(sunday.opensAt(at('2026-03-22T12:00'))).toBe(at('2026-04-05T00:00'));
  });

  it('that touch are one, and those of all week have no end', () => {
    const split = hours([
      { from: '22:00', until: '24:00' },
      { from: '00:00', until: '02:00' },
    ]);
    expect(split.closesAt(at('2026-01-01T23:00'))).toBe(at('2026-01-02T02:00'));
    expect(hours([{ from: '00:00', until: '24:00' }]).closesAt(at('2026-01-01T23:00'))).toBeNull();
  });

  it('follow the clocks of their zone', () => {
    const nightly = hours([{ from: '02:00', until: '03:30' }], 'Europe/Berlin');
    // On 29 March 02:00 to 03:00 are left out: half an hour remains. On 25 October they are shown twice.
    expect(nightly.opensAt(at('2026-03-28T12:00'))).toBe(at('2026-03-29T01:00'));
    expect(nightly.closesAt(at('2026-03-29T01:00'))).toBe(at('2026-03-29T01:30'));
    expect(nightly.opensAt(at('2026-10-24T12:00'))).toBe(at('2026-10-25T00:00'));
    expect(nightly.closesAt(at('2026-10-25T00:00'))).toBe(at('2026-10-25T02:30'));
    const left = hours([{ from: '02:00', until: '02:30' }], 'Europe/Berlin');
    expect(left.opensAt(at('2026-03-28T12:00'))).toBe(at('2026-03-30T00:00'));
    const twice = hours([{ from: '02:00', until: '02:30' }], 'Europe/Berlin');
    expect(twice.closesAt(at('2026-10-25T01:10'))).toBe(at('2026-10-25T01:30'));
  });

  it('are open again when the clocks show them again', () => {
    // 02:00 to 03:00 are shown twice, from 00:00 and from 01:00 by UTC.
    const inside = hours([{ from: '02:15', until: '02:45' }], 'Europe/Berlin');
    expect(inside.opensAt(at('2026-10-24T12:00'))).toBe(at('2026-10-25T00:15'));
    expect(inside.closesAt(at('2026-10-25T00:15'))).toBe(at('2026-10-25T00:45'));
    expect(inside.opensAt(at('2026-10-25T00:45'))).toBe(at('2026-10-25T01:15'));
    expect(inside.closesAt(at('2026-10-25T01:15'))).toBe(at('2026-10-25T01:45'));
    expect(inside.opensAt(at('2026-10-25T01:45'))).toBe(at('2026-10-26T01:15'));
    // The clocks go back into it, and go back to before it.
    const before = hours([{ from: '01:30', until: '02:30' }], 'Europe/Berlin');
    expect(before.opensAt(at('2026-10-25T00:40'))).toBe(at('2026-10-25T01:00'));
    expect(before.closesAt(at('2026-10-25T01:00'))).toBe(at('2026-10-25T01:30'));
    const after = hours([{ from: '02:15', until: '03:30' }], 'Europe/Berlin');
    expect(after.closesAt(at('2026-10-25T00:15'))).toBe(at('2026-10-25T01:00'));
    expect(after.opensAt(at('2026-10-25T01:00'))).toBe(at('2026-10-25T01:15'));
    expect(after.closesAt(at('2026-10-25T01:15'))).toBe(at('2026-10-25T02:30'));
  });

  it('open when they say, and not before; and shut when they say', () => {
    const time = fc.integer({ min: 0, max: 95 }).map((quarter) => {
      const two = (value: number): string => String(value).padStart(2, '0');
      return `${two(Math.floor(quarter / 4))}:${two((quarter % 4) * 15)}`;
    });
    const window = fc
      .record({ days: fc.uniqueArray(fc.constantFrom(...weekDays), { minLength: 1 }), from: time, until: time })
      .filter(({ from, until }) => from !== until);
    // In January no clock is changed; else one is, a day before or after.
    const starts = fc.constantFrom(
      ...['UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'Pacific/Chatham'].map((zone) => ({ zone, on: '2026-01-08' })),
      ...['2026-03-29', '2026-10-25'].map((on) => ({ zone: 'Europe/Berlin', on })),
      ...['2026-04-04', '2026-10-03'].map((on) => ({ zone: 'Australia/Lord_Howe', on })),
      ...['2026-04-04', '2026-09-26'].map((on) => ({ zone: 'Pacific/Chatham', on })),
      ...['2026-03-08', '2026-11-01'].map((on) => ({ zone: 'America/Havana', on })),
    );
    const minutes = fc.integer({ min: -day / minute, max: (2 * day) / minute });
    fc.assert(
      fc.property(
        fc.array(window, { minLength: 1, maxLength: 3 }),
        starts,
        minutes,
        (windows, { zone, on }, passed) => {
          const it = hours(windows, zone);
          const now = at(`${on}T00:00`) + passed * minute;
          const change = it.isOpen(now) ? it.closesAt(now) : it.opensAt(now);
          const end = change ?? now + 8 * day;
          for (let when = now; when < end; when += 15 * minute) expect(it.isOpen(when)).toBe(it.isOpen(now));
          if (change !== null) expect(it.isOpen(change)).toBe(!it.isOpen(now));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('say the same whatever they were asked before', () => {
    const windows = [
      { days: ['sat' as const, 'sun' as const], from: '22:00', until: '04:00' },
      { from: '01:30', until: '02:30' },
    ];
    // The clocks go back on the 25th, at 01:00 UTC.
    const instant = fc.integer({ min: at('2026-10-20T00:00') / minute, max: at('2026-10-28T00:00') / minute });
    fc.assert(
      fc.property(fc.array(instant.map((it) => it * minute)), (instants) => {
        const asked = hours(windows, 'Europe/Berlin');
        for (const when of instants) {
          const fresh = hours(windows, 'Europe/Berlin');
          const answers = (it: typeof asked) => (it.isOpen(when) ? [it.closesAt(when)] : [null, it.opensAt(when)]);
          expect(answers(asked)).toEqual(answers(fresh));
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    { from: '02:00', until: '02:00' },
    { from: '24:00', until: '02:00' },
    { from: '2:00', until: '03:00' },
    { from: '02:00', until: '25:00' },
    { days: [], from: '02:00', until: '03:00' },
  ])('are refused: %j', (wrong) => {
    expect(allowedWindow.safeParse(wrong).success).toBe(false);
  });
});
