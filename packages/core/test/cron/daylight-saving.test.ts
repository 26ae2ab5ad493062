import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCron } from '../../src/index.js';
import {
  anyExpression,
  aroundDay,
  changesOf,
  day,
  firstYear,
  lastYear,
  minute,
  nightly,
  noonOfOddDays,
  reading,
  slotsByRule,
  zones,
} from './oracle.js';

const hour = 60 * minute;

/** All slots from `from` until before `to`. */
function chain(expression: string, timeZone: string, from: number, to: number): number[] {
  const { next } = readCron(expression, { timeZone });
  const slots: number[] = [];
  for (let at = next(from - 1); at !== null && at < to; at = next(at)) {
    if (slots.length > 0 && at <= (slots.at(-1) ?? 0)) throw new Error(`${expression} went back to ${at}`);
    slots.push(at);
  }
  return slots;
}
/** When its clocks show that, where they do so once. */
function instantOf(zone: string, wall: number): number {
  for (const at of [wall, wall - offset(zone, wall), wall - offset(zone, wall - day), wall - offset(zone, wall + day)])
    if (reading(zone, at) === wall) return at;
  throw new Error(`the clocks of ${zone} never show ${new Date(wall).toISOString()}`);
}
/** Other cases for each change of the clocks, the same when the run's seed is. */
const seedOf = (change: number): number => (fc.readConfigureGlobal().seed ?? Date.now()) + change / minute;
const iso = (slots: number[]): string[] => slots.map((at) => new Date(at).toISOString());
const offset = (zone: string, at: number): number => reading(zone, at) - at;

describe.each(zones)('the slots of cron in %s', (zone) => {
  const changes = changesOf(zone);

  it('are what the rule says, minute by minute, wherever its clocks were changed in ten years', () => {
    expect(changes.length).toBe(zone === 'Asia/Kolkata' ? 0 : changes.length || -1);
    for (const change of changes)
      fc.assert(
        fc.property(nightly, (cron) => {
          const [from, to] = [change - day / 2, change + day / 2];
          const slots = slotsByRule(cron, zone, from, to);
          expect(iso(chain(cron.text, zone, from, to))).toEqual(iso(slots));
          // Whoever begins to look in the midst of a change sees no other slots.
          const { next } = readCron(cron.text, { timeZone: zone });
          for (let at = change - 3 * hour; at < change + 3 * hour; at += 7 * minute) {
            const expected = slots.find((slot) => slot > at);
            if (expected !== undefined) expect(next(at)).toBe(expected);
          }
        }),
        { numRuns: 4, seed: seedOf(change) },
      );
  }, 120_000);

  it('are so, too, of days that are named by L, W and #', () => {
    let found = 0;
    for (const change of changes)
      fc.assert(
        fc.property(aroundDay(reading(zone, change)), (cron) => {
          const [from, to] = [change - 1.5 * day, change + 1.5 * day];
          const slots = slotsByRule(cron, zone, from, to);
          found += slots.length;
          expect(iso(chain(cron.text, zone, from, to))).toEqual(iso(slots));
        }),
        { numRuns: 6, seed: seedOf(change) },
      );
    // Most of them name the day.
    expect(found).toBeGreaterThanOrEqual(changes.length);
  }, 120_000);

  it('are of L, W and # the days that a calendar shows, for ten years', () => {
    let found = 0;
    fc.assert(
      fc.property(noonOfOddDays, (cron) => {
        const slots: number[] = [];
        for (let wall = firstYear; wall < lastYear; wall += day)
          for (let at = wall + 12 * hour; cron.onDay(new Date(at)) && at < wall + 13 * hour; at += minute)
            if (cron.matches(new Date(at)))
              for (const second of cron.seconds) slots.push(instantOf(zone, at) + second * 1_000);
        found += slots.length;
        // The first and the last day are cut in two by the zone.
        const within = (all: number[]): string[] =>
          iso(all.filter((at) => at >= firstYear + day && at < lastYear - day));
        expect(within(chain(cron.text, zone, firstYear, lastYear))).toEqual(within(slots));
      }),
      { numRuns: 12 },
    );
    expect(found).toBeGreaterThan(12);
  }, 120_000);

  it('are the minutes that its clocks show, elsewhere', () => {
    const start = fc.integer({ min: firstYear / minute, max: lastYear / minute }).map((it) => it * minute);
    fc.assert(
      fc.property(anyExpression, start, (cron, from) => {
        const to = from + day;
        fc.pre(offset(zone, from - day) === offset(zone, to + day));
        expect(iso(chain(cron.text, zone, from, to))).toEqual(iso(slotsByRule(cron, zone, from, to)));
      }),
      { numRuns: 30 },
    );
  }, 120_000);

  it('go on, one after another, through ten years', () => {
    // Each is after the one before, wherever one begins to look.
    for (const expression of ['17 */5 * * *', '0 0 1 * *', '30 1-2 * * *', '0 12 * * 5#2']) {
      const slots = chain(expression, zone, firstYear, lastYear);
      expect(slots.length).toBeGreaterThan(100);
      const { next } = readCron(expression, { timeZone: zone });
      for (let index = 1; index < slots.length; index += 97) {
        const [before = 0, at = 0] = [slots[index - 1], slots[index]];
        expect(next(Math.floor((before + at) / 2))).toBe(at);
        expect(next(at - 1)).toBe(at);
      }
    }
  }, 120_000);
});

/** The table of docs/schedule-maintenance.md, line by line. */
describe('where clocks are changed', () => {
  it.each([
    // New York, 8 March 2026: after 01:59 comes 03:00 (07:00 UTC).
    ['30 2 * * *', 'America/New_York', '2026-03-08T05:00Z', ['07:00']],
    ['15,45 2 * * *', 'America/New_York', '2026-03-08T05:00Z', ['07:00']],
    ['* 2 * * *', 'America/New_York', '2026-03-08T05:00Z', ['07:00']],
    ['0 2,3 * * *', 'America/New_York', '2026-03-08T05:00Z', ['07:00']],
    ['0 */2 * * *', 'America/New_York', '2026-03-08T05:00Z', ['05:00', '07:00', '08:00']],
    ['30 * * * *', 'America/New_York', '2026-03-08T05:00Z', ['05:30', '06:30', '07:30', '08:30']],
    // New York, 1 November 2026: after 01:59 comes 01:00 again (06:00 UTC).
    ['30 1 * * *', 'America/New_York', '2026-11-01T04:00Z', ['05:30']],
    ['30 1-2 * * *', 'America/New_York', '2026-11-01T04:00Z', ['05:30', '07:30']],
    ['30 * * * *', 'America/New_York', '2026-11-01T04:00Z', ['04:30', '05:30', '06:30', '07:30']],
    // Lord Howe, 4 October 2026: after 01:59 comes 02:30 (15:30 UTC of the day before); 5 April: 01:30 comes again (15:00).
    ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T14:00Z', ['15:30']],
    ['*/30 * * * *', 'Australia/Lord_Howe', '2026-10-03T14:00Z', ['14:00', '14:30', '15:00', '15:30', '16:00', '16:30', '17:00', '17:30']], // prettier-ignore
    ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T14:00Z', ['14:45']],
    ['45 * * * *', 'Australia/Lord_Howe', '2026-04-04T14:00Z', ['14:45', '15:15', '16:15', '17:15']],
    // Chatham, 27 September 2026: after 02:44 comes 03:45 (14:00 UTC of the day before).
    ['0 3 * * *', 'Pacific/Chatham', '2026-09-26T12:00Z', ['14:00']],
    // Havana, 8 March 2026: after 23:59 comes 01:00 (05:00 UTC); 1 November: after 00:59 comes 00:00 again (05:00).
    ['0 0 * * *', 'America/Havana', '2026-03-08T03:00Z', ['05:00']],
    ['0 0 * * *', 'America/Havana', '2026-11-01T03:00Z', ['04:00']],
  ])('"%s" in %s is due from %s at %j', (expression, zone, from, expected) => {
    const start = Date.parse(from);
    const due = iso(chain(expression, zone, start, start + 4 * 60 * minute));
    expect(due.map((text) => text.slice(11, 16))).toEqual(expected);
  });

  it('a day that a place leaves out is made up for at once', () => {
    // Apia had no 30 December 2011.
    expect(iso(chain('0 8 30 * *', 'Pacific/Apia', Date.UTC(2011, 11, 25), Date.UTC(2012, 0, 25)))).toEqual([
      '2011-12-30T10:00:00.000Z',
    ]);
  });
});
