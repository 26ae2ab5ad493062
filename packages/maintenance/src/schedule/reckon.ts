import { lastSlots } from './last-slots.js';
import { longestDelayMs, type Firing, type Timetable } from './timetable.js';

/** Why a slot that came due is left out. */
export type LeftOut = 'outside_window' | 'grace_passed' | 'superseded';

/** What is to become of the slots of a while. */
export interface Reckoning {
  /** To be run now, the oldest first. */
  run: Firing[];
  leftOut: { slotAt: number; outcome: LeftOut }[];
  /** All slots until here are dealt with. */
  until: number;
}

const hourMs = 3_600_000;
/** Slots are looked at this far back, or as far as a longer grace goes: further ones run no more. */
const longestGraceMs = 6 * hourMs;
/** So late a slot is on time: timers and databases are no better. */
const punctualMs = 10_000;
/** Slots that are looked at, and told of, at once; those before are as good as never. */
const mostSlots = 100;

/**
 * Judges the slots after `after` that came due until `now`. There is one, in quiet times; there are many after a stop or
 * a suspension, and then the catch-up rule chooses.
 */
export function reckon(timetable: Timetable, after: number, now: number): Reckoning {
  const { rules, hours } = timetable;
  const lookedBackMs = Math.max(rules.graceMs ?? 0, longestGraceMs) + longestDelayMs(rules);
  const slots = lastSlots(timetable, Math.max(after, now - lookedBackMs), now, mostSlots);
  const firings = slots.map((slotAt) => timetable.firing(slotAt));
  const waiting = firings.findIndex((firing) => momentOf(firing) > now);
  const due = waiting < 0 ? firings : firings.slice(0, waiting);

  const leftOut: Reckoning['leftOut'] = [];
  const able = due.filter((firing) => {
    const why = whyNot(timetable, firing, now, hours.isOpen(now));
    if (why) leftOut.push({ slotAt: firing.slotAt, outcome: why });
    return why === undefined;
  });
  const run = able.slice(-(rules.catchUp === 'all' ? rules.catchUpMax : 1));
  for (const { slotAt } of able.slice(0, -run.length || undefined)) leftOut.push({ slotAt, outcome: 'superseded' });
  const until = waiting < 0 ? Math.max(after, now) : (slots[waiting] ?? now) - 1;
  return { run, leftOut: leftOut.sort((a, b) => a.slotAt - b.slotAt), until };
}

/** When a slot is to be dealt with: when it begins, or is left out. */
export const momentOf = ({ dueAt, startsAt }: Firing): number => startsAt ?? dueAt;

function whyNot(timetable: Timetable, firing: Firing, now: number, open: boolean): LeftOut | undefined {
  const { slotAt, startsAt } = firing;
  if (startsAt === null) return 'outside_window';
  const lateMs = now - startsAt;
  if (lateMs > Math.max(graceOf(timetable, slotAt), punctualMs)) return 'grace_passed';
  return open ? undefined : 'outside_window';
}

/** How late a slot may be. Ms. */
export function graceOf({ rules, next }: Pick<Timetable, 'rules' | 'next'>, slotAt: number): number {
  if (rules.catchUp === 'skip') return 0;
  return rules.graceMs ?? Math.min(((next(slotAt) ?? Infinity) - slotAt) / 2, longestGraceMs);
}
