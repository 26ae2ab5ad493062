import { coreErrors, timeZoneOf } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import { lastSlots } from './last-slots.js';
import { scheduleRules, type ScheduleRulesDraft } from './rules.js';
import { longestDelayMs, timetableOf, type Firing, type Timetable } from './timetable.js';

/** Which time to look at. */
export interface Simulation {
  /** Epoch ms; inclusive. */
  from: number;
  /** Epoch ms; exclusive. */
  to: number;
  /** Instead of the rules' own. */
  timeZone?: string;
  /** Whose jitter it is: the name of the schedule. Default none. */
  key?: string;
  /** How many slots at most. Default 10,000. */
  limit?: number;
}

/** A {@link Firing}, with what the clocks show when it comes due. */
export interface SimulatedFiring extends Firing {
  /** The slot as local time, e.g. `2026-03-29T03:00:00+02:00`. */
  localTime: string;
}

/**
 * Every slot of some rules within a time, without running anything: also where clocks are changed.
 * @throws INVALID_INPUT, INVALID_ARGUMENT when the rules are not sound
 *
 * @example
 * simulateSchedule({ cron: '30 2 * * *' }, { from, to, timeZone: 'Europe/Berlin' });
 */
export function simulateSchedule(
  draft: ScheduleRulesDraft,
  { from, to, timeZone, key = '', limit = 10_000 }: Simulation,
): SimulatedFiring[] {
  if (!Number.isFinite(from) || !Number.isFinite(to))
    throw coreErrors.INVALID_ARGUMENT({ argument: 'from', reason: 'a finite time is expected' });
  const read = readDraft(scheduleRules, draft);
  const rules = { ...read, timeZone: timeZone ?? read.timeZone };
  const timetable = timetableOf(rules, key);
  const firings: SimulatedFiring[] = [];
  for (let at = timetable.next(from - 1); at !== null && at < to && firings.length < limit; at = timetable.next(at))
    firings.push({ ...timetable.firing(at), localTime: localTime(at, rules.timeZone) });
  return firings;
}

/** Slots that are looked through for those that are to begin. */
const mostLookedAt = 1_000;

/**
 * The next `count` slots that begin after `after`; fewer when hardly any lies within the windows.
 * @param since those until then are nobody's
 */
export function nextFirings(timetable: Timetable, after: number, count: number, since: number): Firing[] {
  const firings = waitingFirings(timetable, after, since).slice(0, count);
  let at = timetable.next(after);
  for (let looked = 0; at !== null && firings.length < count && looked < mostLookedAt; looked++) {
    const firing = timetable.firing(at);
    if (firing.startsAt !== null) firings.push(firing);
    at = firing.startsAt === null ? nextThatMayBegin(timetable, firing) : timetable.next(at);
  }
  return firings;
}

/** Those that have come, and wait for their jitter or for a window to open: the last of them, or the one before it. */
function waitingFirings(timetable: Timetable, now: number, since: number): Firing[] {
  const delayMs = longestDelayMs(timetable.rules);
  if (delayMs === 0) return [];
  const came = lastSlots(timetable, Math.max(since, now - delayMs), now, 2);
  return came.map((slotAt) => timetable.firing(slotAt)).filter(({ startsAt }) => startsAt !== null && startsAt > now);
}

/** Of the slots that come while it is shut none but the last can wait for the opening. */
function nextThatMayBegin(timetable: Timetable, { slotAt, dueAt }: Firing): number | null {
  const opens = timetable.hours.opensAt(dueAt);
  // That one may come due when it is open: then the one before it waits.
  const [before] = opens === null ? [] : lastSlots(timetable, slotAt, opens, 2);
  return before ?? timetable.next(slotAt);
}

/** An instant as the clocks of a time zone show it, with how far they are ahead of UTC. */
export function localTime(at: number, timeZone: string): string {
  const offset = timeZoneOf(timeZone).offset(at);
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const ahead = `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return new Date(at + offset).toISOString().slice(0, 19) + ahead;
}
