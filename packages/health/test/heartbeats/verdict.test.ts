import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  heartbeatSettings,
  pinged,
  silentSoFar,
  standingOf,
  type HeartbeatSettings,
} from '../../src/heartbeats/heartbeat.js';
import { afterSight, isSeen, type SeenRecord } from '../../src/heartbeats/sight.js';
import type { Sight } from '../../src/heartbeats/seen.js';
import { lateInMs, verdictOf } from '../../src/heartbeats/verdict.js';

const minute = 60_000;
const hourly = heartbeatSettings.parse({ period: 3_600, grace: 300 });
type Calls = readonly (readonly ['start' | 'success' | 'fail', number])[];
/** At so many minutes by both clocks. */
const sightAt = (minutes: number): Sight => ({ at: minutes * minute, watchedMs: minutes * minute });
/** A job that was seen when it was registered, at 0, and after each call. */
const after = (calls: Calls): SeenRecord =>
  calls.reduce(
    (record, [kind, at]) => afterSight(pinged(record, { kind, at: at * minute, exitStatus: null }), sightAt(at), 0),
    afterSight(silentSoFar('acme', 'e'), sightAt(0), 0),
  );
/** What is said of it by a clock that was set by so much since. All in minutes. */
const at = (
  record: SeenRecord,
  now: number,
  settings: HeartbeatSettings = hourly,
  { since = 0, setBy = 0 }: { since?: number; setBy?: number } = {},
) => verdictOf(record, settings, { now: (now + setBy) * minute, ms: now * minute, sinceMs: since * minute });

describe('a job', () => {
  it.each([
    ['that never called is silent', [], 10, 'silent'],
    ['that never called is late after its period and grace', [], 65, 'late'],
    ['that succeeded is well', [['success', 10]], 20, 'well'],
    ['is well while its grace lasts', [['success', 10]], 74, 'well'],
    ['is late from the end of its grace', [['success', 10]], 75, 'late'],
    [
      'that failed has failed',
      [
        ['success', 10],
        ['fail', 20],
      ],
      21,
      'failed',
    ],
    [
      'that failed, and begins again, has failed until it succeeds',
      [
        ['success', 10],
        ['fail', 20],
        ['start', 25],
      ],
      26,
      'failed',
    ],
    [
      'that failed, began again and succeeded is well',
      [
        ['success', 10],
        ['fail', 20],
        ['start', 25],
        ['success', 27],
      ],
      28,
      'well',
    ],
    [
      'that failed, and succeeded since, is well',
      [
        ['fail', 20],
        ['success', 25],
      ],
      26,
      'well',
    ],
    [
      'that only ever begins is late',
      [
        ['start', 10],
        ['start', 60],
      ],
      66,
      'late',
    ],
    [
      'that begins is well meanwhile',
      [
        ['success', 10],
        ['start', 60],
      ],
      61,
      'well',
    ],
  ] as [string, Calls, number, string][])('%s', (_, calls, now, is) => {
    expect(at(after(calls), now).is).toBe(is);
  });

  it('that runs longer than it may has failed', () => {
    const settings = heartbeatSettings.parse({ period: 3_600, longest: 120 });
    const record = after([
      ['success', 1],
      ['start', 10],
    ]);
    expect(at(record, 11, settings)).toMatchObject({ is: 'well', forMs: minute });
    expect(at(record, 12, settings).is).toBe('overran');
  });

  it('has its grace anew from when somebody watches again, once', () => {
    const record = after([['success', 10]]);
    expect(at(record, 78, hourly, { since: 74 }).is).toBe('well');
    expect(at(record, 79, hourly, { since: 74 }).is).toBe('late');
    // It was due, and its grace over, before.
    expect(at(record, 76, hourly, { since: 75 }).is).toBe('late');
    expect(at(record, 74, hourly, { since: 60 })).toMatchObject({ is: 'well', forMs: minute });
  });

  it('is what it was found to be until it calls, or another is asked of it', () => {
    const late: SeenRecord = { ...after([['success', 10]]), found: { is: 'late', by: hourly } };
    expect(at(late, 11).is).toBe('late');
    expect(at(late, 11, { ...hourly, grace: 301 }).is).toBe('well');
    const call = (record: SeenRecord, kind: 'start' | 'success' | 'fail') =>
      afterSight(pinged(record, { kind, at: 12 * minute, exitStatus: null }), sightAt(12), 0);
    expect(at(call(late, 'start'), 13).is).toBe('late');
    expect(at(call(late, 'fail'), 13).is).toBe('failed');
    expect(at(call(late, 'success'), 13).is).toBe('well');
    const overran: SeenRecord = { ...after([['start', 10]]), found: { is: 'overran', by: hourly } };
    expect(at(overran, 11).is).toBe('overran');
    for (const kind of ['start', 'success'] as const) expect(at(call(overran, kind), 13).is).not.toBe('overran');
  });

  it('counts from when a call was seen, whatever its date', () => {
    for (const date of [-1_000, 0, 40, 5_000]) {
      const called = pinged(after([['success', 1]]), { kind: 'success', at: date * minute, exitStatus: null });
      expect(isSeen(called)).toBe(false);
      const record = afterSight(called, sightAt(50), 0);
      expect(isSeen(record)).toBe(true);
      expect([at(record, 114).is, at(record, 115).is]).toEqual(['well', 'late']);
    }
  });

  it('counts from its dates when it was kept before it was kept what was seen, and not from days to come', () => {
    const { seen: _, ...old } = { ...after([['success', 10]]), startedAt: 900 * minute };
    expect(isSeen(old)).toBe(false);
    const { seen } = afterSight(old, { at: 40 * minute, watchedMs: 0 }, 0);
    const watchedMs = Object.fromEntries(Object.entries(seen).map(([kind, it]) => [kind, it?.watchedMs]));
    expect(watchedMs).toEqual({ registration: -40 * minute, success: -30 * minute, start: 0 });
  });

  it('tells how long its runs take', () => {
    const { pings } = after([
      ['start', 10],
      ['success', 14],
      ['success', 70],
    ]);
    expect(pings.map(({ kind, duration }) => [kind, duration])).toEqual([
      ['success', null],
      ['success', 240],
      ['start', null],
    ]);
  });

  it('is well until the instant that is told, and not after it', () => {
    const calls = fc.array(fc.tuple(fc.constantFrom('start', 'success', 'fail'), fc.integer({ min: 1, max: 600 })), {
      maxLength: 10,
    });
    fc.assert(
      fc.property(
        calls,
        fc.integer({ min: 1, max: 900 }),
        fc.option(fc.integer({ min: 1, max: 60 })),
        (given, now, longest) => {
          const record = after([...given].sort((a, b) => a[1] - b[1]));
          const settings = heartbeatSettings.parse({
            period: 3_600,
            ...(longest !== null && { longest: longest * 60 }),
          });
          const judgedAt = Math.max(now, 600);
          const verdict = at(record, judgedAt, settings);
          if (verdict.is !== 'well' && verdict.is !== 'silent') return;
          const until = judgedAt + verdict.forMs / minute;
          expect(at(record, until - 1 / minute, settings).is).toBe(verdict.is);
          expect(['late', 'failed', 'overran']).toContain(at(record, until, settings).is);
        },
      ),
    );
  });
});

describe('a job whose calls are dated by clocks that were set, or are not the same,', () => {
  const never = silentSoFar('acme', 'e');
  const kinds = fc.constantFrom('start' as const, 'success' as const, 'fail' as const);

  it.each([
    ['failed though it succeeded later by the dates', ['success', 60], ['fail', 1], 'failed'],
    ['is well though it failed later by the dates', ['fail', 60], ['success', 1], 'well'],
    ['is well when it succeeded at the instant of its failure', ['fail', 60], ['success', 60], 'well'],
  ] as const)('%s', (_, first, second, is) => {
    expect(at(after([[...first], [...second]]), 61).is).toBe(is);
  });

  it('stands as the order of its calls tells, whatever the dates', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(kinds, fc.integer({ min: 1, max: 600 })), { maxLength: 70 }), (calls) => {
        const record = after(calls);
        const ends = calls.filter(([kind]) => kind !== 'start');
        expect(standingOf(record)).toEqual({
          isRunning: calls.at(-1)?.[0] === 'start',
          hasFailed: ends.at(-1)?.[0] === 'fail',
        });
      }),
    );
  });

  it('stands as its dates tell when it was kept before that was', () => {
    const old = { ...never, startedAt: 3, succeededAt: 1, failedAt: 2 };
    expect(standingOf(old)).toEqual({ isRunning: true, hasFailed: true });
    expect(standingOf({ ...old, succeededAt: 4 })).toEqual({ isRunning: false, hasFailed: false });
    expect(standingOf(pinged(old, { kind: 'success', at: 1, exitStatus: 0 }))).toEqual({
      isRunning: false,
      hasFailed: false,
    });
  });
});

describe('a job whose clock was set', () => {
  const hour = 60;
  const judged = (calls: Calls, now: number, setBy: number, settings = hourly) =>
    at(after(calls), now, settings, { setBy });

  it.each([hour, -hour])('is late when its period and grace have passed, by %i minutes', (by) => {
    expect(judged([['success', 100]], 164, by).is).toBe('well');
    expect(judged([['success', 100]], 165, by).is).toBe('late');
    expect(judged([['success', 100]], 101, by).forMs).toBe(64 * minute);
    expect(judged([], 64, by).is).toBe('silent');
    expect(judged([], 65, by).is).toBe('late');
  });

  it.each([hour, -hour])('runs as long as it does, by %i minutes', (by) => {
    const settings = heartbeatSettings.parse({ period: 36_000, longest: 1_200 });
    const calls: Calls = [
      ['success', 90],
      ['start', 100],
    ];
    expect(judged(calls, 119, by, settings).is).toBe('well');
    expect(judged(calls, 120, by, settings).is).toBe('overran');
  });

  it.each([
    [hour, 12 * 60 + 5],
    [-hour, 12 * 60 + 65],
  ])('by cron is late when both clocks have come to that, by %i minutes', (by, lateAt) => {
    const settings = heartbeatSettings.parse({ cron: '0 12 * * *', grace: 300 });
    expect(judged([['success', 600]], lateAt - 1, by, settings).is).toBe('well');
    expect(judged([['success', 600]], lateAt, by, settings).is).toBe('late');
  });
});

describe('a job by cron', () => {
  // The clocks of Berlin skip an hour on 29 March 2026 and repeat one on 25 October.
  it.each(['2026-03-28T00:00Z', '2026-10-24T00:00Z', '2026-06-01T00:00Z'])(
    'is due when a walk over the minutes from %s comes to it',
    (text) => {
      const from = Date.parse(text);
      const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit' });
      const times = fc.record({
        minuteOfHour: fc.integer({ min: 0, max: 59 }),
        hour: fc.integer({ min: 4, max: 23 }),
        offset: fc.integer({ min: 0, max: 3 * 1_440 }),
      });
      fc.assert(
        fc.property(times, ({ minuteOfHour, hour, offset }) => {
          const cron = `${minuteOfHour} ${hour} * * *`;
          const wanted = `${String(hour).padStart(2, '0')}:${String(minuteOfHour).padStart(2, '0')}`;
          const succeededAt = from + offset * minute;
          let due = succeededAt + minute;
          while (clock.format(due) !== wanted) due += minute;
          const sight = { at: succeededAt, watchedMs: 7 };
          const record = afterSight({ ...silentSoFar('acme', 'e'), succeededAt }, sight, 0);
          const settings = heartbeatSettings.parse({ cron, zone: 'Europe/Berlin', grace: 60 });
          expect(lateInMs(record, settings, { now: succeededAt, ms: 7, sinceMs: 0 })).toBe(due + minute - succeededAt);
        }),
        { numRuns: 20 },
      );
    },
  );

  it.each([
    [{}],
    [{ period: 60, cron: '* * * * *' }],
    [{ period: 1 }],
    [{ cron: '0 0 30 2 *' }],
    [{ cron: '* * * * * *' }],
    [{ cron: '0 3 * * *', zone: 'Europe/Atlantis' }],
  ])('%j is none', (config) => {
    expect(heartbeatSettings.safeParse(config).success).toBe(false);
  });
});
