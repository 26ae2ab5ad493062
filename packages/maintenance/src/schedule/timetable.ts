import { createHash } from 'node:crypto';
import { coreErrors, isTimeZone, readCron, type InputIssue } from '@dotmac/core';
import { farthestDays, openingHours, type OpeningHours } from '../windows/opening-hours.js';
import type { ScheduleRules } from './rules.js';

/** A slot, and what is to become of it. Epoch ms. */
export interface Firing {
  /** The instant that the rules name: what tells this slot from others. */
  slotAt: number;
  /** With its jitter. */
  dueAt: number;
  /** When it begins, if nothing comes between; null when it is left out because it lies outside of the windows. */
  startsAt: number | null;
}

/** The rules of one schedule, read. */
export interface Timetable {
  rules: ScheduleRules;
  hours: OpeningHours;
  /** The first slot after an instant; null when there is none. */
  next(after: number): number | null;
  firing(slotAt: number): Firing;
}

/**
 * Reads rules.
 * @param key whose jitter it is: schedules of different keys are spread
 * @throws INVALID_ARGUMENT when they are not sound
 */
export function timetableOf(rules: ScheduleRules, key: string): Timetable {
  const [fault] = faultsOfRules(rules);
  if (fault) throw coreErrors.INVALID_ARGUMENT({ argument: fault.path, reason: fault.message });
  const { cron, timeZone, jitterMs, jitter, outsideWindow } = rules;
  const every = rules.everyMs ?? Infinity;
  const { next } = cron === null ? { next: multiplesOf(every) } : readCron(cron, { timeZone });
  const hours = openingHours(rules.windows, timeZone);
  // The same in every process: all agree on what is due when.
  const stable = chanceOf(key);
  const chance = (slotAt: number): number => (jitter === 'stable' ? stable : chanceOf(`${key} ${slotAt}`));
  const dueAt = (slotAt: number): number => {
    if (jitterMs === 0) return slotAt;
    // Slots come due in their order, each before the next.
    const most = Math.min(jitterMs, (next(slotAt) ?? Infinity) - slotAt - 1);
    return slotAt + (chance(slotAt) % (most + 1));
  };
  const startsAt = (slotAt: number, due: number): number | null => {
    if (hours.isOpen(due)) return due;
    const opens = outsideWindow === 'wait' ? hours.opensAt(due) : null;
    if (opens === null) return null;
    // Of those that wait for one opening the last is enough.
    const following = next(slotAt);
    return following !== null && dueAt(following) <= opens ? null : opens;
  };
  return {
    rules,
    hours,
    next,
    firing(slotAt) {
      const due = dueAt(slotAt);
      return { slotAt, dueAt: due, startsAt: startsAt(slotAt, due) };
    },
  };
}

const dayMs = 86_400_000;

/** How long after its slot a run may begin, when nobody is late. Ms. */
export const longestDelayMs = ({ jitterMs, windows }: ScheduleRules): number =>
  jitterMs + (windows.length > 0 ? farthestDays * dayMs : 0);

/** What is wrong with rules, by wire name; nothing when they are sound. */
export function faultsOfRules({ cron, everyMs, timeZone, jitterMs }: ScheduleRules): InputIssue[] {
  if ((cron === null) === (everyMs === null)) return [{ path: 'cron', message: 'Give cron or every_ms, and not both' }];
  if (!isTimeZone(timeZone)) return [{ path: 'time_zone', message: 'There is no such time zone' }];
  if (everyMs !== null && jitterMs >= everyMs)
    return [{ path: 'jitter_ms', message: 'The jitter is less than the interval' }];
  if (cron === null) return [];
  try {
    return readCron(cron, { timeZone }).next(0) === null ? [{ path: 'cron', message: 'It never comes due' }] : [];
  } catch (error) {
    return [{ path: 'cron', message: (error as Error).message }];
  }
}

const multiplesOf =
  (every: number) =>
  (after: number): number =>
    (Math.floor(after / every) + 1) * every;

/** A number below 2 ** 48 that looks like chance, and is the same for the same key. */
const chanceOf = (key: string): number => createHash('sha256').update(key).digest().readUIntBE(0, 6);
