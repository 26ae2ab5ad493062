import { wireOf } from '@dotmac/core/contract';
import { momentOf } from './reckon.js';
import { reasonOf } from './check-schedules.js';
import type { PlannedSchedule } from './planned.js';
import type { KeptSchedule, ScheduleDefinition } from './schedule.js';
import type { MaintenanceSchedule } from './schemas.js';
import { nextFirings } from './simulate.js';

/** When the next slot begins; null when none does, or the schedule is paused. */
export function nextRunOf(
  { timetable, pausedAt, effectiveAt }: Pick<PlannedSchedule, 'timetable' | 'pausedAt' | 'effectiveAt'>,
  now: number,
): number | null {
  if (pausedAt !== null) return null;
  const [next] = nextFirings(timetable, now, 1, effectiveAt ?? 0);
  return next ? momentOf(next) : null;
}

/** A schedule of the store as it is shown. */
export function shownKept(
  kept: KeptSchedule,
  found: { planned: PlannedSchedule } | { fault: string },
  now: number,
): MaintenanceSchedule {
  const { name, version, pausedAt, createdAt, updatedAt } = kept;
  const { task, parameters, rules } = kept.definition as ScheduleDefinition;
  return {
    ...rules,
    ...{ name, version, pausedAt, createdAt, updatedAt, parameters },
    maintenanceType: task,
    origin: 'store',
    nextRun: 'planned' in found ? nextRunOf(found.planned, now) : null,
    fault: 'fault' in found ? found.fault : found.planned.refusal && reasonOf(found.planned.refusal),
  };
}

/** A schedule in code as it is shown. */
export function shownInCode(planned: PlannedSchedule, now: number): MaintenanceSchedule {
  const { name, task, version, pausedAt, timetable } = planned;
  return {
    ...timetable.rules,
    ...{ name, version, pausedAt },
    maintenanceType: task.type,
    parameters: wireOf(task.parameters).render(planned.parameters as never) as Record<string, unknown>,
    origin: 'code',
    nextRun: nextRunOf(planned, now),
    fault: null,
    createdAt: null,
    updatedAt: null,
  };
}
