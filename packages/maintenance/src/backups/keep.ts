import { coreErrors } from '@dotmac/core';
import { before, calendarIn, readSpan, type CalendarOf, type CalendarUnit } from './calendar.js';

/** How many, or `all`. */
export type KeepCount = number | 'all';

/**
 * Which backups are kept; the rules of restic's `forget`. A backup stays when any rule keeps it. Calendar rules keep
 * the newest backup of each of the last n hours, days … that have one, in the policy's time zone; while a rule's count
 * is not used up, the oldest backup stays, too. Spans (`2y5m7d3h`) are counted back from the newest backup, not from now.
 */
export interface KeepRules {
  /** The newest n. */
  last?: KeepCount;
  /** The newest of each of the last n hours that have one. */
  hourly?: KeepCount;
  /** The same of days. */
  daily?: KeepCount;
  /** The same of weeks, which begin on Monday. */
  weekly?: KeepCount;
  /** The same of months. */
  monthly?: KeepCount;
  /** The same of years. */
  yearly?: KeepCount;
  /** All within the span, e.g. `30d`. */
  within?: string;
  /** The newest of each hour within the span. */
  withinHourly?: string;
  /** The same of days. */
  withinDaily?: string;
  /** The same of weeks. */
  withinWeekly?: string;
  /** The same of months. */
  withinMonthly?: string;
  /** The same of years. */
  withinYearly?: string;
}

/** What of a backup decides whether it stays. */
export interface Keepable {
  id: string;
  /** Epoch ms. */
  takenAt: number;
  state: 'unverified' | 'verified' | 'broken';
}

/** Whether a backup stays, and why. */
export interface Decision<Backup> {
  backup: Backup;
  kept: boolean;
  reasons: string[];
}

/** The rules, each with the word for what it keeps and the calendar's unit that it counts (null: each backup). */
const counts = [
  ['last', 'last', null],
  ['hourly', 'hourly', 'hour'],
  ['daily', 'daily', 'day'],
  ['weekly', 'weekly', 'week'],
  ['monthly', 'monthly', 'month'],
  ['yearly', 'yearly', 'year'],
] as const satisfies [keyof KeepRules, string, CalendarUnit | null][];
const spans = [
  ['within', '', null],
  ['withinHourly', 'hourly ', 'hour'],
  ['withinDaily', 'daily ', 'day'],
  ['withinWeekly', 'weekly ', 'week'],
  ['withinMonthly', 'monthly ', 'month'],
  ['withinYearly', 'yearly ', 'year'],
] as const satisfies [keyof KeepRules, string, CalendarUnit | null][];

/**
 * @throws INVALID_ARGUMENT when a count is no whole number from 0, a span is none, or nothing at all would be kept
 */
export function checkKeep(argument: string, rules: KeepRules): void {
  const refuse = (name: string, reason: string): Error =>
    coreErrors.INVALID_ARGUMENT({ argument: `${argument}${name}`, reason });
  const rule = rules as Record<string, unknown>;
  const known = new Set<string>([...counts, ...spans].map(([name]) => name));
  for (const name of Object.keys(rule)) if (!known.has(name)) throw refuse(`.${name}`, 'there is no such rule');
  for (const [name] of counts) {
    const { [name]: count = 0 } = rules;
    if (count !== 'all' && !(Number.isSafeInteger(count) && count >= 0))
      throw refuse(`.${name}`, 'must be a whole number from 0, or "all"');
  }
  for (const [name] of spans)
    if (rules[name] !== undefined && !readSpan(rules[name]))
      throw refuse(`.${name}`, 'must be a span such as "30d" or "2y5m7d3h"');
  if (counts.every(([name]) => (rules[name] ?? 0) === 0) && spans.every(([name]) => rules[name] === undefined))
    throw refuse('', 'an empty policy would keep nothing');
}

/** Newest first; of those of one instant, the greater id. */
const newestFirst = (a: Keepable, b: Keepable): number => b.takenAt - a.takenAt || (a.id < b.id ? 1 : -1);

/**
 * Decides on every backup of one policy. Only verified ones fill the rules' places. What is dated after `now` is
 * ignored and stays; what is newer than every verified one stays; the newest verified one always stays; without a
 * verified one, all stay. What was never verified goes once a newer one is.
 */
export function decide<Backup extends Keepable>(
  backups: readonly Backup[],
  rules: KeepRules,
  { now, timeZone }: { now: number; timeZone: string },
): Decision<Backup>[] {
  const sorted = [...backups].sort(newestFirst);
  const past = sorted.filter(({ takenAt }) => takenAt <= now);
  const verified = past.filter(({ state }) => state === 'verified');
  const newest = verified[0];
  const kept = reasonsToKeep(verified, rules, calendarIn(timeZone));
  return sorted.map((backup) => {
    const because = (...reasons: string[]) => ({ backup, kept: true, reasons });
    if (backup.takenAt > now) return because('dated in the future');
    if (!newest) return because('no backup is verified');
    if (backup !== newest && newestFirst(backup, newest) < 0) return because('no newer one is verified');
    if (backup.state !== 'verified')
      return { backup, kept: false, reasons: [`${backup.state}, and a newer one is verified`] };
    const reasons = [...(kept.get(backup.id) ?? []), ...(backup === newest ? ['newest verified'] : [])];
    return reasons.length > 0 ? because(...reasons) : { backup, kept: false, reasons: ['no rule keeps it'] };
  });
}

/** One rule at work: how many places it has, and which place a backup is in. */
interface Filling {
  count: number;
  placeOf(backup: Keepable): string;
  word: string;
}

function reasonsToKeep(sorted: readonly Keepable[], rules: KeepRules, calendar: CalendarOf): Map<string, string[]> {
  const reasons = new Map<string, string[]>(sorted.map(({ id }) => [id, []]));
  const oldest = sorted.at(-1);
  const fill = (backups: readonly Keepable[], { count, placeOf, word }: Filling): void => {
    let left = count;
    let last: string | undefined;
    for (const backup of backups) {
      if (left === 0) return;
      const place = placeOf(backup);
      if (place === last && backup !== oldest) continue;
      reasons.get(backup.id)?.push(place === last ? `oldest ${word}` : word);
      last = place;
      left -= 1;
    }
  };
  const placeIn = (unit: CalendarUnit | null) => (it: Keepable) => (unit === null ? it.id : calendar(unit, it.takenAt));
  for (const [name, word, unit] of counts) {
    const { [name]: count = 0 } = rules;
    fill(sorted, { count: count === 'all' ? Infinity : count, placeOf: placeIn(unit), word });
  }
  for (const [name, word, unit] of spans) {
    const text = rules[name];
    const span = text === undefined ? null : readSpan(text);
    const since = span && sorted[0] ? before(sorted[0].takenAt, span) : Infinity;
    const inside = sorted.filter(({ takenAt }) => takenAt > since);
    fill(inside, { count: Infinity, placeOf: placeIn(unit), word: `${word}within ${text}` });
  }
  return reasons;
}
