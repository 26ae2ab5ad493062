import type { ScheduledTask } from '../tasks/task.js';
import type { PlannedSchedule } from './planned.js';
import type { Timetable } from './timetable.js';

const dayMs = 86_400_000;
const [lookedAheadMs, mostSlots] = [365 * dayMs, 1_000];

/** The schedules by which a tenant's task runs now: those that are paused or refused, or only say what they would do, left out. */
export function scheduledTasks(
  all: Iterable<PlannedSchedule>,
  tenantId: string,
  taskType: string,
  now: number,
): ScheduledTask[] {
  return [...all]
    .filter(
      (it) => it.tenantId === tenantId && it.task.type === taskType && it.pausedAt === null && it.refusal === null,
    )
    .filter(({ parameters }) => !(parameters as { dryRun?: boolean }).dryRun)
    .map(({ parameters, timetable }) => {
      const { runsPerDay, longestMs } = knownPace(timetable, now);
      return { parameters, runsPerDay, longestMs };
    });
}

type Pace = Pick<ScheduledTask, 'runsPerDay' | 'longestMs'>;

/** Of a year from some day: the next day it is the same but for little. */
const known = new WeakMap<Timetable, Pace & { from: number }>();

/** {@link paceOf}, reckoned once a day. */
function knownPace(timetable: Timetable, now: number): Pace {
  const kept = known.get(timetable);
  if (kept && Math.abs(now - kept.from) < dayMs) return kept;
  const pace = paceOf(timetable, now);
  known.set(timetable, { ...pace, from: now });
  return pace;
}

/**
 * How many runs come in a day, and how long each may take: on the average of a year, or of the next thousand slots where these
 * are fewer. Slots that windows leave out are none.
 */
export function paceOf({ rules, hours, next, firing }: Timetable, now: number): Pace {
  let [slots, runs, last, longestMs] = [0, 0, now, 0];
  for (let at = next(now); slots < mostSlots && at !== null && at < now + lookedAheadMs; at = next(at)) {
    slots += 1;
    last = at;
    const { startsAt } = firing(at);
    if (startsAt === null) continue;
    runs += 1;
    longestMs += Math.min((hours.closesAt(startsAt) ?? Infinity) - startsAt, rules.timeoutMs ?? Infinity);
  }
  const lookedAtMs = slots < mostSlots ? lookedAheadMs : last - now;
  const averageMs = runs === 0 ? Infinity : longestMs / runs;
  return { runsPerDay: (runs / lookedAtMs) * dayMs, longestMs: averageMs === Infinity ? null : averageMs };
}
