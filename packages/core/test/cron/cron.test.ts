import { Cron as Croner } from 'croner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTimeZone, readCron, timeZoneOf } from '../../src/index.js';
import { anyExpression, day, firstYear, lastYear, type Spoken } from './oracle.js';

const nextOf = (expression: string, after: string): string | undefined => {
  const at = readCron(expression).next(Date.parse(after));
  return at === null ? undefined : new Date(at).toISOString();
};

/** When croner says that it is due; nothing where it loses its way, as it does in `0 0 31W 2,4,11 *`, which never comes. */
function byCroner(text: string, after: number): number | null | undefined {
  try {
    return new Croner(text, { utcOffset: 0, paused: true }).nextRun(new Date(after))?.getTime() ?? null;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const midnight = (at: number): number => Math.floor(at / day) * day;
/** The first of these days on which it is due, by what is meant and the calendar alone. */
function firstDay({ onDay }: Spoken, from: number, before: number): number | undefined {
  for (let at = from; at < before; at += day) if (onDay(new Date(at))) return at;
  return undefined;
}

describe('a cron expression', () => {
  it('comes due when croner says so, in UTC', () => {
    const start = fc.integer({ min: firstYear, max: lastYear });
    fc.assert(
      fc.property(anyExpression, start, (meant, after) => {
        const { text, matches } = meant;
        const [ours, theirs] = [readCron(text).next(after), byCroner(text, after)];
        if (ours === theirs) return;
        // croner 10 passes over a day now and then, that of `0 0 */5 1-3 0` in March 2019. What is meant decides then.
        if (theirs !== null && theirs !== undefined) expect(ours).toBeLessThan(theirs);
        if (ours !== null) expect(matches(new Date(ours))).toBe(true);
        expect(
          firstDay(meant, midnight(after) + day, ours === null ? midnight(after) + 8 * 366 * day : midnight(ours)),
        ).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['*/15 * * * * *', '2026-01-01T00:00:01Z', '2026-01-01T00:00:15.000Z'],
    ['0 9 * jan-mar mon-fri', '2026-03-31T12:00:00Z', '2027-01-01T09:00:00.000Z'],
    ['0 0 * * fri-sun', '2026-01-05T00:00:00Z', '2026-01-09T00:00:00.000Z'],
    ['0 0 ? * 7', '2026-01-01T00:00:00Z', '2026-01-04T00:00:00.000Z'],
    ['0 0 L * *', '2026-02-01T00:00:00Z', '2026-02-28T00:00:00.000Z'],
    ['0 0 LW * *', '2026-02-01T00:00:00Z', '2026-02-27T00:00:00.000Z'],
    ['0 0 1W * *', '2026-08-01T00:00:00Z', '2026-08-03T00:00:00.000Z'],
    ['0 0 31W * *', '2026-05-01T00:00:00Z', '2026-05-29T00:00:00.000Z'],
    ['0 0 * * tue#2', '2026-01-01T00:00:00Z', '2026-01-13T00:00:00.000Z'],
    ['0 0 * * friL', '2026-01-01T00:00:00Z', '2026-01-30T00:00:00.000Z'],
    ['0 0 * * 7#1', '2026-01-01T00:00:00Z', '2026-01-04T00:00:00.000Z'],
    ['0 0 * * 7L', '2026-01-01T00:00:00Z', '2026-01-25T00:00:00.000Z'],
    ['0 0 13 * fri', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00.000Z'],
    ['0 0 29 2 *', '2096-03-01T00:00:00Z', '2104-02-29T00:00:00.000Z'],
    ['0 0 * 2 mon#5', '2072-03-01T00:00:00Z', '2112-02-29T00:00:00.000Z'],
    ['10-50/20 8 * * *', '2026-01-01T08:10:00Z', '2026-01-01T08:30:00.000Z'],
  ])('%s comes after %s at %s', (expression, after, expected) => {
    expect(nextOf(expression, after)).toBe(expected);
  });

  it('that names a day which never comes is never due', () => {
    expect(nextOf('0 0 30 2 *', '2026-01-01T00:00:00Z')).toBeUndefined();
    expect(nextOf('* * 31 4,6 *', '2026-01-01T00:00:00Z')).toBeUndefined();
  });

  it('is due at whole seconds, however its beginning is told', () => {
    const { next } = readCron('* * * * * *');
    expect(next(999)).toBe(1_000);
    expect(next(1_000)).toBe(2_000);
    expect(next(1_000.5)).toBe(2_000);
  });

  it.each([
    '',
    '* * * *',
    '* * * * * * *',
    '60 * * * *',
    'x * * * *',
    '@daily',
    '* 24 * * *',
    '* * 0 * *',
    '* * 32 * *',
    '* * * 13 *',
    '* * * * 8',
    '*/0 * * * *',
    '5/15 * * * *',
    '50-10 * * * *',
    '1-2-3 * * * *',
    '1/2/3 * * * *',
    '* * * * 1#6',
    '* * * * #2',
    '* * * * L',
    '* L * * *',
    '* * 15WL * *',
    '* * W * *',
    ', * * * *',
    '-1 * * * *',
    '1e1 * * * *',
    '* * * * mon#',
    '* * 1L * *',
    `${'1,'.repeat(100)}1 * * * *`,
  ])('is refused: "%s"', (wrong) => {
    // prettier-ignore
    expect(() => readCron(wrong, { argument: 'schedules.x.cron' })).toThrow(/schedules\.x\.cron/);
  });
});

describe('a time zone', () => {
  it('is one that Intl knows', () => {
    expect(['UTC', 'Europe/Berlin', 'america/new_york'].map(isTimeZone)).toEqual([true, true, true]);
    expect(['Mars/Phobos', '', 'Europe', "' or 1=1"].map(isTimeZone)).toEqual([false, false, false, false]);
    expect(() => readCron('* * * * *', { timeZone: 'Mars/Phobos' })).toThrow(/no such time zone/);
  });

  it('tells the first of two instants, and the end of a gap', () => {
    const zone = timeZoneOf('Europe/Berlin');
    expect(zone.instantOf(Date.UTC(2026, 9, 25, 2, 30))).toBe(Date.UTC(2026, 9, 25, 0, 30));
    expect(zone.instantOf(Date.UTC(2026, 2, 29, 2, 30))).toBe(Date.UTC(2026, 2, 29, 1));
    expect(zone.nextChange(Date.UTC(2026, 0, 1), Date.UTC(2026, 5, 1))).toBe(Date.UTC(2026, 2, 29, 1));
    expect(zone.nextChange(Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1) + 60 * day)).toBeNull();
  });
});
