import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { before, calendarIn, readSpan, type CalendarUnit } from '../../src/backups/calendar.js';
import { checkKeep, decide, type Keepable, type KeepRules } from '../../src/backups/keep.js';

const at = (text: string): number => Date.parse(text);
const verified = (...texts: string[]): Keepable[] =>
  texts.map((text) => ({ id: text, takenAt: at(text), state: 'verified' }));
const now = at('2026-11-28T12:00:00Z');
const kept = (backups: Keepable[], rules: KeepRules, timeZone = 'UTC') =>
  Object.fromEntries(
    decide(backups, rules, { now, timeZone }).flatMap(({ backup, kept: stays, reasons }) =>
      stays ? [[backup.id, reasons]] : [],
    ),
  );

const sundays = Array.from({ length: 12 }, (_, week) =>
  new Date(at('2019-09-01T11:00:00Z') + week * 7 * 86_400_000).toISOString(),
);

describe('which backups are kept', () => {
  it('counts days that have a backup, not days', () => {
    expect(Object.keys(kept(verified(...sundays), { daily: 4 }))).toEqual(sundays.slice(-4).reverse());
  });

  it.each<{ name: string; rules: KeepRules; backups: Keepable[]; stays: Record<string, string[]> }>([
    {
      name: 'the newest of a day',
      rules: { daily: 1 },
      backups: verified('2026-11-27T01:00Z', '2026-11-27T02:00Z', '2026-11-26T23:00Z'),
      stays: { '2026-11-27T02:00Z': ['daily', 'newest verified'] },
    },
    {
      name: 'the oldest while a count is not used up',
      rules: { yearly: 3 },
      backups: verified('2026-11-27T00:00Z', '2026-05-01T00:00Z', '2026-01-05T00:00Z'),
      stays: { '2026-11-27T00:00Z': ['yearly', 'newest verified'], '2026-01-05T00:00Z': ['oldest yearly'] },
    },
    {
      name: 'one for several reasons',
      rules: { last: 1, weekly: 1, monthly: 1 },
      backups: verified('2026-11-27T00:00Z', '2026-11-26T00:00Z'),
      stays: { '2026-11-27T00:00Z': ['last', 'weekly', 'monthly', 'newest verified'] },
    },
    {
      name: 'weeks from Monday, over the turn of the year',
      rules: { weekly: 2 },
      backups: verified('2026-01-04T10:00Z', '2025-12-29T10:00Z', '2025-12-28T10:00Z', '2025-12-22T10:00Z'),
      stays: { '2026-01-04T10:00Z': ['weekly', 'newest verified'], '2025-12-28T10:00Z': ['weekly'] },
    },
    {
      name: 'of two of one instant the one of the greater id',
      rules: { last: 1 },
      backups: ['a', 'b'].map((id) => ({ id, takenAt: at('2026-11-20T00:00Z'), state: 'verified' })),
      stays: { b: ['last', 'newest verified'] },
    },
    {
      name: 'a span back from the newest, not from now',
      rules: { within: '2d' },
      backups: verified('2020-03-10T00:00Z', '2020-03-08T00:00:01Z', '2020-03-08T00:00Z', '2020-03-01T00:00Z'),
      stays: { '2020-03-10T00:00Z': ['within 2d', 'newest verified'], '2020-03-08T00:00:01Z': ['within 2d'] },
    },
    {
      name: 'one a day within a span',
      rules: { withinDaily: '3d' },
      backups: verified('2026-11-10T08:00Z', '2026-11-10T07:00Z', '2026-11-09T07:00Z', '2026-11-01T07:00Z'),
      stays: { '2026-11-10T08:00Z': ['daily within 3d', 'newest verified'], '2026-11-09T07:00Z': ['daily within 3d'] },
    },
    {
      name: 'all that are counted by "all"',
      rules: { monthly: 'all' },
      backups: verified('2026-11-10T08:00Z', '2026-11-01T07:00Z', '2026-10-01T07:00Z', '2025-10-01T07:00Z'),
      stays: {
        '2026-11-10T08:00Z': ['monthly', 'newest verified'],
        '2026-10-01T07:00Z': ['monthly'],
        '2025-10-01T07:00Z': ['monthly'],
      },
    },
    {
      name: 'what is dated in the future, which fills no place',
      rules: { last: 1 },
      backups: verified('2027-01-01T00:00Z', '2026-11-27T00:00Z', '2026-11-26T00:00Z'),
      stays: { '2027-01-01T00:00Z': ['dated in the future'], '2026-11-27T00:00Z': ['last', 'newest verified'] },
    },
    {
      name: 'the newest verified one, whatever the rules say',
      rules: { within: '1h', last: 0 },
      backups: [
        { id: 'new', takenAt: at('2026-11-28T11:00Z'), state: 'broken' },
        { id: 'good', takenAt: at('2026-11-20T00:00Z'), state: 'verified' },
        { id: 'never', takenAt: at('2026-11-19T00:00Z'), state: 'unverified' },
        { id: 'older', takenAt: at('2026-11-18T00:00Z'), state: 'verified' },
      ],
      stays: { new: ['no newer one is verified'], good: ['within 1h', 'newest verified'] },
    },
    {
      name: 'everything while none is verified',
      rules: { last: 1 },
      backups: [
        { id: 'b', takenAt: at('2026-11-28T11:00Z'), state: 'unverified' },
        { id: 'a', takenAt: at('2026-11-20T00:00Z'), state: 'broken' },
      ],
      stays: { b: ['no backup is verified'], a: ['no backup is verified'] },
    },
  ])('keeps $name', ({ rules, backups, stays }) => {
    expect(kept(backups, rules)).toEqual(stays);
  });

  it('counts days where the policy is at home', () => {
    // 23:30 and 00:30 in Auckland: two days there, one in UTC.
    const two = verified('2026-06-10T11:30Z', '2026-06-10T12:30Z');
    expect(Object.keys(kept(two, { daily: 5 }, 'Pacific/Auckland'))).toHaveLength(2);
    expect(kept(two, { daily: 1 }, 'Pacific/Auckland')).toEqual({ '2026-06-10T12:30Z': ['daily', 'newest verified'] });
    expect(kept([...two, ...verified('2026-06-09T01:00Z')], { daily: 2 })).not.toHaveProperty('2026-06-10T11:30Z');
  });

  it('takes the hour that comes twice for one', () => {
    const twice = verified('2026-11-01T05:30Z', '2026-11-01T06:30Z', '2026-11-01T04:30Z');
    expect(Object.keys(kept(twice, { hourly: 2 }, 'America/New_York'))).toEqual([
      '2026-11-01T06:30Z',
      '2026-11-01T04:30Z',
    ]);
  });
});

describe('rules that would keep nothing, or are none', () => {
  it.each<[string, object]>([
    ['an empty policy', {}],
    ['zeros', { last: 0, daily: 0 }],
    ['a negative count', { last: -1 }],
    ['a fraction', { last: 1.5 }],
    ['no number', { daily: '7' }],
    ['a span of nothing', { within: '0d' }],
    ['a span in weeks', { within: '1w' }],
    ['an empty span', { within: '' }],
    ['a rule that there is not', { last: 1, minutely: 5 }],
  ])('are refused: %s', (_, rules) => {
    expect(() => checkKeep('keep', rules as KeepRules)).toThrowError(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

describe('spans', () => {
  it.each([
    ['2026-03-31T10:00:00Z', '1m', '2026-02-28T10:00:00Z'],
    ['2024-02-29T10:00:00Z', '1y', '2023-02-28T10:00:00Z'],
    ['2026-01-15T10:00:00Z', '2y5m7d3h', '2023-08-08T07:00:00Z'],
    ['2026-01-01T00:00:00Z', '13m', '2024-12-01T00:00:00Z'],
    ['2026-01-01T00:30:00Z', '1h', '2025-12-31T23:30:00Z'],
  ])('lead from %s over %s to %s', (from, span, to) => {
    expect(before(at(from), readSpan(span)!)).toBe(at(to));
  });
});

/** The rules once more, straight from what they say, with sets instead of one pass. */
function oracle(backups: Keepable[], rules: KeepRules, timeZone: string): Set<string> {
  const past = backups.filter(({ takenAt }) => takenAt <= now);
  const good = past
    .filter(({ state }) => state === 'verified')
    .sort((a, b) => b.takenAt - a.takenAt || (a.id < b.id ? 1 : -1));
  const newest = good[0];
  if (!newest) return new Set(backups.map(({ id }) => id));
  const stays = new Set(backups.filter(({ takenAt }) => takenAt > now).map(({ id }) => id));
  for (const it of past)
    if (it.takenAt > newest.takenAt || (it.takenAt === newest.takenAt && it.id >= newest.id)) stays.add(it.id);
  const oldest = good.at(-1) as Keepable;
  const calendar = calendarIn(timeZone);
  const units: [keyof KeepRules, keyof KeepRules, CalendarUnit | null][] = [
    ['last', 'within', null],
    ['hourly', 'withinHourly', 'hour'],
    ['daily', 'withinDaily', 'day'],
    ['weekly', 'withinWeekly', 'week'],
    ['monthly', 'withinMonthly', 'month'],
    ['yearly', 'withinYearly', 'year'],
  ];
  for (const [count, within, unit] of units) {
    const placeOf = (it: Keepable) => (unit === null ? it.id : calendar(unit, it.takenAt));
    const newestOf = (of: Keepable[]) =>
      [...new Set(of.map(placeOf))].map((p) => of.find((it) => placeOf(it) === p)!.id);
    const n = rules[count] === 'all' ? Infinity : Number(rules[count] ?? 0);
    const firsts = newestOf(good);
    for (const id of firsts.slice(0, n)) stays.add(id);
    if (n > firsts.length) stays.add(oldest.id);
    const span = rules[within] === undefined ? null : readSpan(rules[within] as string);
    if (!span) continue;
    const inside = good.filter(({ takenAt }) => takenAt > before(newest.takenAt, span));
    for (const id of newestOf(inside)) stays.add(id);
    if (inside.includes(oldest)) stays.add(oldest.id);
  }
  return stays;
}

const someBackups = fc
  .array(
    fc.record({
      takenAt: fc.oneof(
        fc.integer({ min: now - 4 * 365 * 86_400_000, max: now + 40 * 86_400_000 }),
        fc.integer({ min: now - 5 * 86_400_000, max: now }),
      ),
      state: fc.constantFrom('verified', 'verified', 'verified', 'unverified', 'broken'),
    }),
    { maxLength: 40 },
  )
  .map((all) => all.map((it, index): Keepable => ({ ...it, id: `b${String(index).padStart(3, '0')}` })));
const count = fc.option(fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant('all' as const)), { nil: undefined });
const span = fc.option(fc.constantFrom('1h', '36h', '3d', '10d', '1m', '5m', '1y', '2y5m7d3h'), { nil: undefined });
const someRules = fc
  .record({
    ...{ last: count, hourly: count, daily: count, weekly: count, monthly: count, yearly: count },
    ...{ within: span, withinHourly: span, withinDaily: span, withinWeekly: span, withinMonthly: span },
    withinYearly: span,
  })
  .map((rules) => Object.fromEntries(Object.entries(rules).filter(([, rule]) => rule !== undefined)) as KeepRules);
const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Chatham');

describe('for any backups and rules', () => {
  it('keeps just what the rules say', () => {
    fc.assert(
      fc.property(someBackups, someRules, zone, (backups, rules, timeZone) => {
        const decided = decide(backups, rules, { now, timeZone });
        const stays = decided.filter(({ kept: it }) => it).map(({ backup }) => backup.id);
        expect(stays.sort()).toEqual([...oracle(backups, rules, timeZone)].sort());
        expect(decided).toHaveLength(backups.length);
        expect(decided.every(({ reasons }) => reasons.length > 0)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps a verified one when there was one, and removes nothing that is newer than it', () => {
    fc.assert(
      fc.property(someBackups, someRules, zone, (backups, rules, timeZone) => {
        const decided = decide(backups, rules, { now, timeZone });
        const goes = decided.filter(({ kept: it }) => !it).map(({ backup }) => backup);
        const good = decided.filter(
          ({ backup, kept: it }) => it && backup.state === 'verified' && backup.takenAt <= now,
        );
        if (goes.length > 0) expect(good.length).toBeGreaterThan(0);
        for (const it of goes) expect(good.some(({ backup }) => backup.takenAt >= it.takenAt)).toBe(true);
      }),
    );
  });

  it('removes nothing more when asked again', () => {
    fc.assert(
      fc.property(someBackups, someRules, zone, (backups, rules, timeZone) => {
        const once = decide(backups, rules, { now, timeZone }).filter(({ kept: it }) => it);
        const left = once.map(({ backup }) => backup);
        expect(decide(left, rules, { now, timeZone }).filter(({ kept: it }) => !it)).toEqual([]);
      }),
    );
  });
});
