import type { OperationError } from '@dotmac/core';
import type { ScopeIds } from '../runs/lease-keys.js';
import type { ChosenBefore, TaskChooser } from '../tasks/choose.js';
import { scopeOf, type AnyMaintenanceTask, type TaskScope } from '../tasks/task.js';
import type { ScheduleRules } from './rules.js';
import type { KeptSchedule, ScheduleDefinition } from './schedule.js';
import { timetableOf, type Timetable } from './timetable.js';

/** What a schedule runs at each of its slots, or a part of that: of each scope's things by itself. */
export interface PlannedPart {
  tenantId: string;
  name: string;
  origin: 'code' | 'store';
  task: AnyMaintenanceTask;
  parameters: unknown;
  /** What its policy, stricter than when it was made, says against it: its runs fail of that. Null when nothing does. */
  refusal: OperationError | null;
  scope: TaskScope;
  /** The machine or process whose slots it fires here; empty when all processes share them. */
  scopeId: string;
  timetable: Timetable;
  /** Counts its changes, from 1; 0 for one in code that nobody ever paused. */
  version: number;
  pausedAt: number | null;
  /** Slots from before are nobody's; null when that is not known: those in code have no beginning. */
  effectiveAt: number | null;
}

/** A schedule as this process fires it: its task and parameters checked, its rules read. Its own scope is that of its first part. */
export interface PlannedSchedule extends PlannedPart {
  parts: readonly [PlannedPart, ...PlannedPart[]];
}

/** Names a schedule among those of all tenants. */
export const scheduleKey = (tenantId: string, name: string): string => JSON.stringify([tenantId, name]);

/** Whose the schedule of such a key is. */
export const tenantOf = (key: string): string => (JSON.parse(key) as [string, string])[0];

/**
 * Plans a schedule for this process.
 * @throws INVALID_ARGUMENT when its rules are not sound
 */
export function planSchedule(
  chosen: ChosenBefore,
  rules: ScheduleRules,
  kept: Kept,
  { chooser, scopeIds }: { chooser: Pick<TaskChooser, 'partsOf'>; scopeIds: ScopeIds },
): PlannedSchedule {
  const { task, refusal } = chosen;
  const parts = chooser.partsOf(chosen).map((parameters): PlannedPart => {
    const scope = scopeOf(task, parameters);
    const scopeId = scopeIds[scope];
    const timetable = timetableOf(rules, JSON.stringify([kept.tenantId, kept.name, scopeId]));
    return { ...kept, task, parameters, refusal, scope, scopeId, timetable };
  });
  const [first] = parts as [PlannedPart];
  return { ...first, parameters: chosen.parameters, parts: parts as [PlannedPart] };
}

type Kept = Pick<PlannedPart, 'tenantId' | 'name' | 'origin' | 'version' | 'pausedAt' | 'effectiveAt'>;

/** The same, paused or not. */
export function withState(
  planned: PlannedSchedule,
  state: Pick<PlannedPart, 'version' | 'pausedAt' | 'effectiveAt'>,
): PlannedSchedule {
  const [first, ...others] = planned.parts;
  return { ...planned, ...state, parts: [{ ...first, ...state }, ...others.map((it) => ({ ...it, ...state }))] };
}

/**
 * Plans a schedule of the store.
 * @throws INVALID_INPUT, INVALID_ARGUMENT when its task or policy is gone, or it is not sound
 */
export function planKept(
  { tenantId, name, version, pausedAt, effectiveAt }: Omit<KeptSchedule, 'definition' | 'revision'>,
  { task, parameters, rules }: ScheduleDefinition,
  chooser: TaskChooser,
  scopeIds: ScopeIds,
): PlannedSchedule {
  const kept = { tenantId, name, origin: 'store', version, pausedAt, effectiveAt } as const;
  return planSchedule(chooser.fromBefore(task, parameters), rules, kept, { chooser, scopeIds });
}
