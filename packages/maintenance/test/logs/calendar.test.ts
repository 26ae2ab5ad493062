import { appendFile, mkdir, readdir, readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { periodOf, type Period } from '../../src/logs/periods.js';
import { day, logFolder, rotate, type LogFolder } from '../support/logs.js';

/** The date that a place's calendars show, said by something else than the code does. */
const dateIn = (timeZone: string, at: number): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(at);
const dayBefore = (date: string): string => new Date(Date.parse(date) - day).toISOString().slice(0, 10);

/** The first day of a date's period. */
function firstDay(period: Period, date: string): string {
  if (period === 'year') return `${date.slice(0, 4)}-01-01`;
  if (period === 'month') return `${date.slice(0, 7)}-01`;
  let monday = date;
  while (period === 'week' && new Date(monday).getUTCDay() !== 1) monday = dayBefore(monday);
  return monday;
}

describe('the calendar', () => {
  it('puts two instants into one day, week, month or year as people do, in any zone', () => {
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Pacific/Kiritimati', 'Asia/Kolkata');
    const at = fc.integer({ min: Date.UTC(2015, 11, 1), max: Date.UTC(2030, 1, 1) });
    const apart = fc.oneof(fc.integer({ min: 0, max: 10 * day }), fc.integer({ min: 0, max: 400 * day }));
    const period = fc.constantFrom<Period>('day', 'week', 'month', 'year');
    fc.assert(
      fc.property(zone, at, apart, period, (timeZone, from, later, which) => {
        const [one, other] = [from, from + later].map((it) => firstDay(which, dateIn(timeZone, it)));
        expect(periodOf(which, from, timeZone) === periodOf(which, from + later, timeZone)).toBe(one === other);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('logs that are rotated by the calendar', () => {
  let folder: LogFolder;
  beforeEach(async () => void (folder = await logFolder()));
  afterEach(() => folder.remove());

  it.each<[period: Period, timeZone: string, seen: string, stays: string, goes: string]>([
    ['week', 'UTC', '2026-12-30T12:00Z', '2027-01-03T23:59:59Z', '2027-01-04T00:00Z'],
    ['week', 'America/New_York', '2026-12-30T12:00Z', '2027-01-04T04:59:59Z', '2027-01-04T05:00Z'],
    ['month', 'UTC', '2028-02-01T00:00Z', '2028-02-29T23:59:59Z', '2028-03-01T00:00Z'],
    ['month', 'Pacific/Kiritimati', '2026-01-15T00:00Z', '2026-01-31T09:59:59Z', '2026-01-31T10:00Z'],
    ['year', 'UTC', '2026-01-01T00:00Z', '2026-12-31T23:59:59Z', '2027-01-01T00:00Z'],
    ['year', 'Asia/Kolkata', '2026-11-28T00:00Z', '2026-12-31T18:29:59Z', '2026-12-31T18:30Z'],
    // The same month of another year, and the same day of another week.
    ['month', 'UTC', '2026-03-10T00:00Z', '2026-03-31T00:00Z', '2027-03-10T00:00Z'],
    ['week', 'UTC', '2026-03-10T00:00Z', '2026-03-15T00:00Z', '2026-03-17T00:00Z'],
  ])('once a %s, in %s: seen at %s, it stays at %s and goes at %s', async (every, timeZone, seen, stays, goes) => {
    await folder.write('app.log', 'a line\n');
    const policy = { every, timeZone, compress: false as const, naming: 'numbered' as const };
    const rotated: number[] = [];
    for (const now of [seen, stays, goes, goes])
      rotated.push((await rotate(folder, policy, { now: Date.parse(now) })).counts.rotated);
    expect(rotated).toEqual([0, 0, 1, 0]);
  });

  it('go with what was written in their period, over more than a year of runs', { timeout: 120_000 }, async () => {
    const timeZone = 'America/New_York';
    // Noon of the place, but for the hour of summer.
    const clock = fakeClock(Date.UTC(2026, 10, 20, 17));
    const periods = ['week', 'month', 'year'] as const;
    const directories = periods.map((every) => `${folder.directory}/${every}`);
    for (const directory of directories) await mkdir(directory, { mode: 0o755 });
    const maintenance = createMaintenance({
      store: memoryMaintenanceStore({ clock }),
      clock,
      logs: periods.map((every, index) => {
        const naming = { format: '%Y-%m-%d' };
        return { name: every, directory: directories[index] ?? '', every, timeZone, naming, compress: false };
      }),
      startScheduler: false,
      historyDays: 10,
    });
    await maintenance.start();
    const { runs } = maintenance.scope({ tenantId: 'acme' });
    const expected: Record<string, string> = {};
    const holds: Record<string, string> = Object.fromEntries(periods.map((period) => [period, '']));
    let before = dateIn(timeZone, clock.now());
    for (let days = 0; days < 410; days++) {
      const today = dateIn(timeZone, clock.now());
      for (const [index, period] of periods.entries()) {
        if (firstDay(period, today) !== firstDay(period, before)) {
          expected[`${period}/app.log.${today}`] = holds[period] ?? '';
          holds[period] = '';
        }
        // The day's run comes before what is written on it, but for the first.
        if (days === 0) await appendFile(`${directories[index]}/app.log`, 'begin\n');
        if (days === 0) holds[period] = 'begin\n';
      }
      expect(await runs.run('log_rotation', {})).toMatchObject({ status: 'completed', errorMessage: null });
      for (const [index, period] of periods.entries()) {
        await appendFile(`${directories[index]}/app.log`, `${today}\n`);
        holds[period] += `${today}\n`;
      }
      before = today;
      clock.set(clock.now() + day);
    }
    await maintenance.stop();
    const found: Record<string, string> = {};
    for (const period of periods)
      for (const name of await readdir(`${folder.directory}/${period}`))
        if (name.startsWith('app.log.'))
          found[`${period}/${name}`] = await readFile(`${folder.directory}/${period}/${name}`, 'utf8');
    expect(found).toEqual(expected);
    const counted = periods.map((period) => Object.keys(found).filter((it) => it.startsWith(period)).length);
    expect(counted).toEqual([59, 14, 2]);
  });
});
