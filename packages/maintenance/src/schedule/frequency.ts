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
    .map(({ parameters, timetable }) => ({ parameters, runsPerDay: slotsPerDay(timetable, now) }));
}

/** How many slots come in a day: on the average of a year, or of the next thousand where these are fewer. */
export function slotsPerDay({ next }: Pick<Timetable, 'next'>, now: number): number {
  let [slots, last] = [0, now];
  for (let at = next(now); slots < mostSlots && at !== null && at < now + lookedAheadMs; at = next(at)) {
    slots += 1;
    last = at;
  }
  const lookedAtMs = slots < mostSlots ? lookedAheadMs : last - now;
  return (slots / lookedAtMs) * dayMs;
}
