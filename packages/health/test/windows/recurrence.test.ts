import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultsOfTiming, nextStart, spanAt, type Timing } from '../../src/windows/recurrence.js';

const at = (text: string): number => Date.parse(text);
const hour = 3_600_000;
const now = at('2026-11-29T08:00Z');
const timing = (more: Partial<Timing> = {}): Timing => ({
  ...{ startsAt: null, endsAt: null, cron: null, rrule: null, timeZone: 'UTC', duration: null },
  ...more,
});
const shown = (span: { from: number; until: number } | undefined) =>
  span && [new Date(span.from).toISOString(), new Date(span.until).toISOString()];

describe('a window', () => {
  it('that is once lasts from its beginning to its end, which is no part of it', () => {
    const once = timing({ startsAt: at('2026-01-04T02:00Z'), endsAt: at('2026-01-04T04:00Z') });
    expect(spanAt(once, at('2026-01-04T01:59:59.999Z'))).toBeUndefined();
    expect(shown(spanAt(once, at('2026-01-04T02:00Z')))).toEqual([
      '2026-01-04T02:00:00.000Z',
      '2026-01-04T04:00:00.000Z',
    ]);
    expect(spanAt(once, at('2026-01-04T04:00Z'))).toBeUndefined();
    expect(nextStart(once, at('2026-01-01T00:00Z'))).toBe(at('2026-01-04T02:00Z'));
    expect(nextStart(once, at('2026-01-04T02:00Z'))).toBeNull();
  });

  // In Berlin the clocks go from 02:00 to 03:00 on 29 March 2026, and from 03:00 to 02:00 on 25 October.
  it.each([
    ['cron, in winter', { cron: '30 3 * * 0' }, '2026-01-04T02:30:00.000Z'],
    ['cron, in summer', { cron: '30 3 * * 0' }, '2026-07-05T01:30:00.000Z'],
    ['a rule, in winter', { rrule: 'FREQ=WEEKLY;BYDAY=SU' }, '2026-01-04T02:30:00.000Z'],
    ['a rule, in summer', { rrule: 'FREQ=WEEKLY;BYDAY=SU' }, '2026-07-05T01:30:00.000Z'],
  ])('by %s begins when the clocks of its time zone say so', (_, recurs, from) => {
    const startsAt = 'rrule' in recurs ? at('2025-12-07T02:30Z') : null;
    const weekly = timing({ ...recurs, startsAt, timeZone: 'Europe/Berlin', duration: 7_200 });
    expect(spanAt(weekly, at(from) - 1)).toBeUndefined();
    expect(spanAt(weekly, at(from))).toEqual({ from: at(from), until: at(from) + 2 * hour });
    expect(spanAt(weekly, at(from) + 2 * hour - 1)).toEqual({ from: at(from), until: at(from) + 2 * hour });
    expect(spanAt(weekly, at(from) + 2 * hour)).toBeUndefined();
    expect(nextStart(weekly, at(from) - 5 * hour)).toBe(at(from));
  });

  // RFC 5545, 3.3.10: instances at a local time that there is not are ignored. Cron's come when the hour is over.
  it.each([
    ['cron', { cron: '30 2 * * *' }, ['2026-03-29T01:00', '2026-03-30T00:30']],
    ['a rule', { rrule: 'FREQ=DAILY' }, ['2026-03-30T00:30', '2026-03-31T00:30']],
  ])('by %s knows the hour that there is not, and begins once in the hour that comes twice', (_, recurs, begins) => {
    const nightly = timing({
      ...{ ...recurs, timeZone: 'Europe/Berlin', duration: 600, startsAt: at('2026-01-01T01:30Z') },
    });
    const after = (from: string) => {
      const first = nextStart(nightly, at(from)) ?? 0;
      return [first, nextStart(nightly, first) ?? 0].map((it) => new Date(it).toISOString().slice(0, 16));
    };
    expect(after('2026-03-28T12:00Z')).toEqual(begins);
    expect(after('2026-10-24T12:00Z')).toEqual(['2026-10-25T00:30', '2026-10-26T01:30']);
  });

  it('that overlaps itself is one', () => {
    const daily = timing({ cron: '0 0 * * 1-5', duration: 90_000 });
    // Monday to Friday, 25 hours each: from Monday to Saturday 01:00.
    expect(shown(spanAt(daily, at('2026-01-09T12:00Z')))?.[1]).toBe('2026-01-10T01:00:00.000Z');
    expect(spanAt(daily, at('2026-01-10T01:00Z'))).toBeUndefined();
  });

  it('that begins again as it ends goes on', () => {
    const daily = timing({ cron: '0 0 * * 1-5', duration: 86_400 });
    expect(shown(spanAt(daily, at('2026-01-05T12:00Z')))).toEqual([
      '2026-01-05T00:00:00.000Z',
      '2026-01-10T00:00:00.000Z',
    ]);
  });

  it('that never ceases is looked ahead of for a hundred times that it begins', () => {
    const always = timing({ cron: '* * * * *', duration: 60 });
    expect(shown(spanAt(always, at('2026-01-05T12:00Z')))).toEqual([
      '2026-01-05T12:00:00.000Z',
      '2026-01-05T13:41:00.000Z',
    ]);
  });

  it('begins for the last time before its end, and not before its beginning', () => {
    const bounded = timing({
      ...{ cron: '0 * * * *', duration: 600 },
      ...{ startsAt: at('2026-01-01T10:00Z'), endsAt: at('2026-01-01T12:00Z') },
    });
    const begins = ['09:05', '10:05', '11:05', '12:05'].map((time) => spanAt(bounded, at(`2026-01-01T${time}Z`)));
    expect(begins.map((span) => span !== undefined)).toEqual([false, true, true, false]);
    expect(nextStart(bounded, at('2026-01-01T11:00Z'))).toBeNull();
  });

  it.each([
    ['neither once nor recurring', {}, ['ends_at']],
    ['without an end', { startsAt: 1 }, ['ends_at']],
    ['that ends before it begins', { startsAt: 2, endsAt: 1 }, ['ends_at']],
    ['that ends as it begins', { startsAt: 1, endsAt: 1 }, ['ends_at']],
    ['by cron and by rule', { cron: '* * * * *', rrule: 'FREQ=DAILY', startsAt: 1, duration: 60 }, ['rrule']],
    ['that recurs without a duration', { cron: '0 2 * * *' }, ['duration']],
    ['that is once and has a duration', { startsAt: 1, endsAt: 2, duration: 60 }, ['duration']],
    ['in no time zone', { cron: '0 2 * * *', duration: 60, timeZone: 'Europe/Atlantis' }, ['time_zone']],
    ['by a rule from no beginning', { rrule: 'FREQ=DAILY', duration: 60 }, ['starts_at']],
    ['by six fields', { cron: '0 0 2 * * *', duration: 60 }, ['cron']],
    ['by no cron at all', { cron: 'a b c d e', duration: 60 }, ['cron']],
    ['on a day that there is not', { cron: '0 0 30 2 *', duration: 60 }, ['cron']],
    ['by a rule without a frequency', { rrule: 'BYDAY=SU', startsAt: 1, duration: 60 }, ['rrule']],
    ['by a rule of no day', { rrule: 'FREQ=WEEKLY;BYDAY=XX', startsAt: 1, duration: 60 }, ['rrule']],
    ['by the 30th of February', { rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', startsAt: 1, duration: 60 }, ['rrule']],
    ['every second', { rrule: 'FREQ=SECONDLY', startsAt: 1, duration: 60 }, ['rrule']],
    ['every 100,000 years', { rrule: 'FREQ=YEARLY;INTERVAL=100000', startsAt: 1, duration: 60 }, ['rrule']],
    ['by another property', { rrule: 'FREQ=DAILY\nEXDATE:20260101', startsAt: 1, duration: 60 }, ['rrule']],
  ])('%s is none', (_, given, paths) => {
    expect(faultsOfTiming(timing(given), now).map(({ path }) => path)).toEqual(paths);
  });

  it.each([
    ['FREQ=YEARLY;BYWEEKNO=20', 2],
    ['FREQ=HOURLY', 1],
    ['FREQ=DAILY;COUNT=2;BYHOUR=3', 3],
  ])('by %s is refused with which part it is, and what there may be', (rrule, part) => {
    const [fault] = faultsOfTiming(timing({ rrule, startsAt: 1, duration: 60 }), now);
    expect(fault?.message).toContain(`Part ${part} of the rule is none of these: FREQ=DAILY, WEEKLY`);
    for (const known of ['INTERVAL', 'UNTIL', 'BYDAY', 'BYSETPOS', 'WKST']) expect(fault?.message).toContain(known);
  });

  it.each([
    ['FREQ=DAILY;FREQ=WEEKLY', 'Part 2 of the rule says FREQ a second time'],
    ['COUNT=2', 'The rule has no FREQ'],
    ['FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z', 'A rule ends by COUNT or by UNTIL, not by both'],
    ['FREQ=WEEKLY;BYDAY=2TU', 'Days are counted (BYDAY=2TU) in monthly and yearly rules alone'],
    ['FREQ=WEEKLY;BYMONTHDAY=3', 'A weekly rule has no BYMONTHDAY'],
    ['FREQ=MONTHLY;BYSETPOS=1', 'BYSETPOS chooses among what another BY part gives: there is none'],
    ['FREQ=DAILY;INTERVAL=0', expect.stringContaining('Part 2') as string],
    ['FREQ=DAILY;', expect.stringContaining('Part 2') as string],
    ['FREQ=DAILY;UNTIL=20270101', expect.stringContaining('Part 2') as string],
    ['FREQ=DAILY=DAILY', expect.stringContaining('Part 1') as string],
    ['freq=daily', expect.stringContaining('Part 1') as string],
  ])('by %s is refused with why', (rrule, message) => {
    expect(faultsOfTiming(timing({ rrule, startsAt: 1, duration: 60 }), now)).toEqual([{ path: 'rrule', message }]);
  });

  it.each([
    'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1',
    'FREQ=MONTHLY;BYMONTHDAY=-1',
    'FREQ=MONTHLY;BYDAY=2TU',
    'FREQ=DAILY;COUNT=3',
    'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;WKST=SU',
  ])('by %s is one', (rrule) => {
    expect(faultsOfTiming(timing({ rrule, startsAt: at('2026-01-01T00:00Z'), duration: 60 }), now)).toEqual([]);
  });

  it.each([
    ['FREQ=DAILY', '2026-11-30T00:00:00.000Z'],
    ['FREQ=DAILY;COUNT=9999', '2026-11-30T00:00:00.000Z'],
    ['FREQ=DAILY;COUNT=2500', null],
    ['FREQ=DAILY;INTERVAL=7;COUNT=9999', '2026-12-02T00:00:00.000Z'],
    ['FREQ=WEEKLY;BYDAY=MO,TH;COUNT=9999', '2026-11-30T00:00:00.000Z'],
    ['FREQ=MONTHLY;COUNT=9999', '2026-12-01T00:00:00.000Z'],
  ])('that began long ago by %s is reckoned', (rrule, next) => {
    const old = timing({ rrule, startsAt: at('2020-01-01T00:00Z'), duration: 3_600 });
    expect(faultsOfTiming(old, now)).toEqual([]);
    expect(nextStart(old, now)).toBe(next === null ? null : at(next));
    expect(spanAt(old, now)).toBeUndefined();
  });

  it('by a rule begins at the second at which it is said to', () => {
    const rule = timing({ rrule: 'FREQ=DAILY', startsAt: at('2026-01-01T05:00:30Z'), duration: 60 });
    expect(nextStart(rule, at('2026-01-02T00:00Z'))).toBe(at('2026-01-02T05:00:30Z'));
  });

  it('of more periods than are counted is refused, and where there is one, it never lasts', () => {
    const endless = timing({
      rrule: 'FREQ=DAILY;BYDAY=MO;COUNT=3000',
      ...{ startsAt: at('1990-01-01T00:00Z'), duration: 3_600 },
    });
    expect(faultsOfTiming(endless, now)).toEqual([
      { path: 'rrule', message: expect.stringContaining('give UNTIL in the place of COUNT') as string },
    ]);
    expect(nextStart(endless, now)).toBeNull();
    expect(spanAt(endless, now)).toBeUndefined();
  });

  it('begins when a walk over the days of a weekly rule says so', () => {
    const days = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
    const startsAt = at('2026-01-01T05:00Z');
    const rule = fc.record({
      chosen: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }),
      after: fc.integer({ min: startsAt, max: startsAt + 700 * 24 * hour }),
    });
    fc.assert(
      fc.property(rule, ({ chosen, after }) => {
        const rrule = `FREQ=WEEKLY;BYDAY=${chosen.map((day) => days[day]).join(',')}`;
        let expected = startsAt;
        while (expected <= after || !chosen.includes(new Date(expected).getUTCDay())) expected += 24 * hour;
        expect(nextStart(timing({ rrule, startsAt, duration: 60 }), after)).toBe(expected);
      }),
      { numRuns: 60 },
    );
  });
});
